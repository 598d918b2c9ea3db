// Looking on while the process works. Both samplers know the main thread only, on which everything runs but large queries and
// compactions. Neither shows what memory holds: a heap snapshot would hand out every secret of the configuration.
import type { Profiler } from "node:inspector";
import type { CallNode, CallTree, Frame } from "./call-tree.ts";

const CPU_INTERVAL_US = 10_000;
/** One of so many allocated bytes is noted, on average. */
const HEAP_INTERVAL_BYTES = 128 * 1024;
/** What the runtime calls the time in which nothing was to be done. */
const IDLE = "(idle)";

/** Where processor time goes for `ms` milliseconds, or until `signal` says that nobody wants to know any more. */
export async function sampleCpu(ms: number, signal: AbortSignal): Promise<CallTree> {
  const startedAtMs = Date.now();
  const { profile } = await withSession(async (post) => {
    await post("Profiler.enable");
    await post("Profiler.setSamplingInterval", { interval: CPU_INTERVAL_US });
    await post("Profiler.start");
    await pause(ms, signal);
    return (await post("Profiler.stop")) as Profiler.StopReturnType;
  });
  const nanos = new Map<number, number>();
  const counts = new Map<number, number>();
  (profile.samples ?? []).forEach((id, i) => {
    // The time that a sample stands for ends with the next one.
    nanos.set(id, (nanos.get(id) ?? 0) + Math.max(0, profile.timeDeltas?.[i + 1] ?? 0) * 1000);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  });
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const made = new Map<number, CallNode>();
  const visit = (id: number, parent: CallNode | undefined): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const isIdle = node.callFrame.functionName === IDLE;
    const values = isIdle ? [0, 0] : [counts.get(id) ?? 0, nanos.get(id) ?? 0];
    const call: CallNode = { frame: node.callFrame, parent, values };
    made.set(id, call);
    for (const child of node.children ?? []) visit(child, call);
  };
  const root = profile.nodes[0];
  if (root !== undefined) visit(root.id, undefined);
  return {
    valueTypes: [
      { type: "samples", unit: "count" },
      { type: "cpu", unit: "nanoseconds" },
    ],
    nodes: [...made.values()],
    period: CPU_INTERVAL_US * 1000,
    periodType: { type: "cpu", unit: "nanoseconds" },
    startedAtMs,
    durationMs: Date.now() - startedAtMs,
  };
}

/**
 * Who allocates memory for `ms` milliseconds. With `live`, only what is still in use at the end counts. Memory outside of the runtime's
 * heap (typed arrays, buffers) is not seen.
 */
export async function sampleHeap(ms: number, live: boolean, signal: AbortSignal): Promise<CallTree> {
  const startedAtMs = Date.now();
  const { profile } = await withSession(async (post) => {
    await post("HeapProfiler.startSampling", {
      samplingInterval: HEAP_INTERVAL_BYTES,
      includeObjectsCollectedByMajorGC: !live,
      includeObjectsCollectedByMinorGC: !live,
    });
    await pause(ms, signal);
    return (await post("HeapProfiler.stopSampling")) as { readonly profile: HeapProfile };
  });
  const counts = new Map<number, number>();
  for (const { nodeId } of profile.samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const nodes: CallNode[] = [];
  const visit = (node: HeapNode, parent: CallNode | undefined): void => {
    const call: CallNode = { frame: node.callFrame, parent, values: [counts.get(node.id) ?? 0, node.selfSize] };
    nodes.push(call);
    for (const child of node.children) visit(child, call);
  };
  visit(profile.head, undefined);
  const kind = live ? "inuse" : "alloc";
  return {
    valueTypes: [
      { type: `${kind}_objects`, unit: "count" },
      { type: `${kind}_space`, unit: "bytes" },
    ],
    nodes,
    period: HEAP_INTERVAL_BYTES,
    periodType: { type: "space", unit: "bytes" },
    startedAtMs,
    durationMs: Date.now() - startedAtMs,
  };
}

/** As the runtime's protocol has it; the types of Node 20 know a part of it only. */
interface HeapNode {
  readonly id: number;
  readonly callFrame: Frame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

interface HeapProfile {
  readonly head: HeapNode;
  readonly samples: readonly { readonly nodeId: number }[];
}

type Post = (method: string, parameters?: object) => Promise<unknown>;

async function withSession<T>(run: (post: Post) => Promise<T>): Promise<T> {
  // Not before somebody asks: most processes never need it.
  const { Session } = process.getBuiltinModule("node:inspector");
  const session = new Session();
  session.connect();
  const post: Post = (method, parameters) =>
    new Promise((resolve, reject) => {
      session.post(method, parameters, (error, result) => (error === null ? resolve(result) : reject(error)));
    });
  try {
    return await run(post);
  } finally {
    session.disconnect();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
