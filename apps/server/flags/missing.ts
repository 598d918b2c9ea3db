// What can be asked for on the command line but does not exist yet. One clear line on start for each that is set; a
// feature that has come into being loses its entry here.

/** Flags whose feature does not exist yet, and what to say when one is set to anything but its default. */
export const MISSING_FLAGS: ReadonlyMap<string, string> = new Map([
  ["storage.agent.checkpoint-from-in-memory-series", "checkpoints of an agent are always made from memory here"],
  ["storage.tsdb.head-chunks-write-queue-size", "head chunks are written without a queue here"],
]);

/** Features of `--enable-feature` that do not exist yet. */
export const MISSING_FEATURES: ReadonlySet<string> = new Set(["old-ui", "use-uncached-io", "fast-startup"]);
