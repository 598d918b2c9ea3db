// Targets that a Consul agent knows: one watch of the catalog, and one for each service.
import type { Logger } from "@narthex/toolkit";
import { pause } from "../../scrape/pause.ts";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import type { TargetGroup } from "../target-group.ts";
import { CONSUL_TIMING, ConsulApi, type ConsulTiming } from "./consul-api.ts";
import type { ConsulDiscoveryBody } from "./consul-body.ts";
import { serviceGroup } from "./service-group.ts";

/** After a failure nothing is asked for so long. */
const RETRY_MS = 15_000;

/** Services that are watched at most: each takes a connection. */
const MAX_SERVICES = 20_000;

/** Watches services by blocking queries. A failure keeps what was found; a service that is gone takes its targets along. */
export class ConsulDiscoverer implements Discoverer {
  readonly #body: ConsulDiscoveryBody;
  readonly #context: DiscovererContext;
  readonly #api: ConsulApi;
  readonly #abort = new AbortController();
  readonly #watches = new Map<string, AbortController>();
  #logger: Logger;
  #datacenter: string;
  #emit: (groups: readonly TargetGroup[]) => void = () => {};

  constructor(body: ConsulDiscoveryBody, context: DiscovererContext, timing: ConsulTiming = CONSUL_TIMING) {
    this.#body = body;
    this.#context = context;
    this.#logger = context.logger.with({ discovery: "consul", config: context.setName });
    this.#datacenter = body.datacenter;
    this.#api = new ConsulApi(body, timing);
    context.metrics.expectConsul();
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#emit = emit;
    void this.#run();
  }

  stop(): void {
    this.#emit = () => {};
    this.#abort.abort();
    for (const watch of this.#watches.values()) watch.abort();
    this.#api.close();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#abort;
    await this.#findDatacenter(signal);
    if (signal.aborted) return;
    const { services, tags, filter } = this.#body;
    if (services.length > 0 && tags.length === 0 && filter === "") {
      for (const name of new Set(services)) this.#watch(name);
      return;
    }
    let index = "";
    await this.#repeat(signal, async () => {
      const asked = this.#context.clock.monotonic();
      try {
        const watched = await this.#api.services(index, signal);
        if (signal.aborted || (watched.index !== "" && watched.index === index)) return true;
        this.#adopt(watched.services);
        index = watched.index;
        return true;
      } catch (error) {
        return this.#failed(signal, "Error refreshing service list", {}, error);
      } finally {
        this.#observe("services", asked);
      }
    });
  }

  async #findDatacenter(signal: AbortSignal): Promise<void> {
    while (this.#datacenter === "" && !signal.aborted) {
      try {
        this.#datacenter = await this.#api.datacenter(signal);
        if (this.#datacenter === "") return;
        this.#logger = this.#logger.with({ datacenter: this.#datacenter });
      } catch (error) {
        this.#failed(signal, "Error retrieving datacenter name", {}, error);
        await pause(this.#context.clock, RETRY_MS, signal);
      }
    }
  }

  /** Begins to watch services that are new, and ends the watches of those that are gone. */
  #adopt(services: ReadonlyMap<string, readonly string[]>): void {
    const { services: wanted, tags } = this.#body;
    const names = [...services.keys()].filter(
      (name) =>
        (wanted.length === 0 || wanted.includes(name)) && tags.every((tag) => services.get(name)?.includes(tag)),
    );
    if (names.length > MAX_SERVICES) throw new Error(`more than ${MAX_SERVICES} services`);
    for (const name of names) this.#watch(name);
    for (const [name, watch] of this.#watches) {
      if (services.has(name)) continue;
      watch.abort();
      this.#watches.delete(name);
      this.#emit([{ source: name, labels: new Map(), targets: [] }]);
    }
    if (this.#watches.size === 0) this.#emit([{ source: "", labels: new Map(), targets: [] }]);
  }

  #watch(name: string): void {
    if (this.#watches.has(name)) return;
    const watch = new AbortController();
    this.#watches.set(name, watch);
    const { signal } = watch;
    let index = "";
    void this.#repeat(signal, async () => {
      const asked = this.#context.clock.monotonic();
      try {
        const watched = await this.#api.service(name, index, signal);
        if (signal.aborted || (watched.index !== "" && watched.index === index)) return true;
        const group = serviceGroup(name, this.#datacenter, this.#body.tagSeparator, watched.value);
        index = watched.index;
        this.#emit([group]);
        return true;
      } catch (error) {
        return this.#failed(signal, "Error refreshing service", { service: name, tags: this.#body.tags.join() }, error);
      } finally {
        this.#observe("service", asked);
      }
    });
  }

  /** Does something at every tick of the interval, missed ticks at once; waits when it returns false. */
  async #repeat(signal: AbortSignal, once: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#context;
    const { refreshIntervalMs } = this.#body;
    while (!signal.aborted) {
      const begun = clock.monotonic();
      if (!(await once())) await pause(clock, RETRY_MS, signal);
      await pause(clock, refreshIntervalMs - (clock.monotonic() - begun), signal);
    }
  }

  /** Returns false: time for a pause. */
  #failed(signal: AbortSignal, message: string, attributes: Readonly<Record<string, string>>, error: unknown): false {
    if (signal.aborted) return false;
    this.#context.metrics.consulFailures?.inc();
    this.#logger.error(message, { ...attributes, err: (error as Error).message });
    return false;
  }

  #observe(call: "service" | "services", asked: number): void {
    const seconds = (this.#context.clock.monotonic() - asked) / 1000;
    this.#context.metrics.consulDuration?.labels("catalog", call).observe(Math.max(0, seconds));
  }
}
