// Metrics of all workers of a cluster as one.
import cluster, { type Worker } from "node:cluster";
import { aggregators } from "./aggregators.ts";
import { globalRegistry, Registry } from "./registry.ts";
import type { MetricObject, RegistryContentType } from "./types.ts";

// Processes of different versions understand each other.
const REQUEST = "prom-client:getMetricsReq";
const ANSWER = "prom-client:getMetricsRes";
const TIMEOUT_MS = 5000;

interface AnswerMessage {
  readonly type: typeof ANSWER;
  readonly requestId: number;
  readonly metrics?: readonly MetricObject[][];
  readonly error?: string;
}

let registries: readonly Registry[] = [globalRegistry];
let nextRequest = 0;
let isAnswering = false;

/** In the primary process: asks the workers. In a worker: answers, from the moment that one of these is made. */
export class AggregatorRegistry<T extends RegistryContentType = RegistryContentType> extends Registry<T> {
  constructor(contentType?: T) {
    super(contentType);
    if (cluster.isWorker) answerRequests();
  }

  /**
   * Everything of all workers, in the format of this registry; "" when there are none. Workers that go away meanwhile are not waited for.
   * Rejects when one reports an error, and when one has not answered after five seconds.
   */
  async clusterMetrics(): Promise<string> {
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected());
    if (workers.length === 0) return "";
    const id = nextRequest++;
    const answers = await Promise.all(workers.map((worker) => ask(worker as Worker, id)));
    return AggregatorRegistry.aggregate(answers.flat(), this.contentType).metrics();
  }

  /** A registry of what several others returned from `getMetricsAsJSON`. Throws for an aggregator that is unknown. */
  static aggregate<C extends RegistryContentType>(
    metricsOfAll: readonly MetricObject[][],
    contentType: C = Registry.PROMETHEUS_CONTENT_TYPE as C,
  ): Registry<C> {
    const byName = new Map<string, MetricObject[]>();
    for (const metric of metricsOfAll.flat()) {
      const group = byName.get(metric.name);
      if (group === undefined) byName.set(metric.name, [metric]);
      else group.push(metric);
    }
    const registry = new Registry(contentType);
    for (const metrics of byName.values()) {
      const name = metrics[0]?.aggregator as string;
      if (!Object.hasOwn(aggregators, name)) throw new Error(`'${name}' is not a defined aggregator.`);
      const joined = aggregators[name as keyof typeof aggregators](metrics);
      if (joined !== undefined) registry.registerMetric({ ...joined, get: () => joined });
    }
    return registry;
  }

  /** In a worker: which registries it answers for; the global one unless said otherwise. */
  static setRegistries(chosen: Registry | readonly Registry[]): void {
    const list: readonly unknown[] = Array.isArray(chosen) ? chosen : [chosen];
    for (const registry of list) {
      if (!(registry instanceof Registry)) throw new TypeError(`Expected Registry, got ${typeof registry}`);
    }
    registries = list as readonly Registry[];
  }
}

function ask(worker: Worker, id: number): Promise<readonly MetricObject[][]> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | undefined, metrics: readonly MetricObject[][] = []): void => {
      clearTimeout(timer);
      worker.off("message", listen).off("disconnect", leave).off("exit", leave);
      if (error === undefined) resolve(metrics);
      else reject(error);
    };
    const listen = (message: AnswerMessage): void => {
      if (message?.type !== ANSWER || message.requestId !== id) return;
      settle(message.error === undefined ? undefined : new Error(message.error), message.metrics);
    };
    const leave = (): void => settle(undefined);
    const timer = setTimeout(() => settle(new Error("Operation timed out.")), TIMEOUT_MS);
    worker.on("message", listen).once("disconnect", leave).once("exit", leave);
    worker.send({ type: REQUEST, requestId: id }, (error: Error | null) => error && leave());
  });
}

function answerRequests(): void {
  if (isAnswering) return;
  isAnswering = true;
  process.on("message", async (message: { type?: unknown; requestId?: unknown } | null) => {
    if (message?.type !== REQUEST) return;
    const { requestId } = message;
    let answer: object;
    try {
      answer = { metrics: await Promise.all(registries.map((registry) => registry.getMetricsAsJSON())) };
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    if (process.connected) process.send?.({ type: ANSWER, requestId, ...answer });
  });
}
