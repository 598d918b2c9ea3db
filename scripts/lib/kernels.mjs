// Compiles the kernels of the storage engine (AssemblyScript) to WebAssembly, beside the compiled TypeScript that loads them.
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where the compiled kernels lie, from the root. */
export const KERNELS = "packages/tsdb/dist/kernels/kernels.wasm";

/** The head's memory is shared and theirs; no runtime, no garbage collector, no data of their own. */
const FLAGS = [
  ..."-O3 --noAssert --runtime stub --importMemory --sharedMemory --maximumMemory 65536 --use abort=".split(" "),
  ..."--enable bulk-memory --enable threads".split(" "),
];

/** Compiles them unless what is there is newer than the sources. */
export async function buildKernels(root) {
  const folder = join(root, "packages/tsdb/kernels/assembly");
  const target = join(root, KERNELS);
  const newest = Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs));
  if ((statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return;
  const { default: asc } = await import("assemblyscript/asc");
  mkdirSync(dirname(target), { recursive: true });
  const { error, stderr } = await asc.main([join(folder, "index.ts"), "--outFile", target, ...FLAGS]);
  if (error === null) return;
  console.error(`narthex: the kernels cannot be compiled\n${stderr.toString()}`);
  process.exit(1);
}
