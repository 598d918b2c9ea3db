export type { CallNode, CallTree, Frame, ValueType } from "./call-tree.ts";
export { encodePprof } from "./pprof.ts";
export { type ProfileAnswer, ProfilePages } from "./profile-pages.ts";
export { sampleCpu, sampleHeap } from "./samplers.ts";
