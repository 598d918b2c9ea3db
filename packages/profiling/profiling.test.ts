import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { WireReader } from "@narthex/encoding";
import type { CallNode } from "./call-tree.ts";
import { encodePprof } from "./pprof.ts";
import { ProfilePages } from "./profile-pages.ts";
import { sampleCpu, sampleHeap } from "./samplers.ts";

interface Read {
  readonly strings: string[];
  /** Functions from the leaf on, and values. */
  readonly samples: { readonly stack: string[]; readonly values: number[] }[];
  readonly types: string[];
}

/** Reads what the tests look at, by the field numbers of the format. */
function read(packed: Uint8Array): Read {
  const strings: string[] = [];
  const rawTypes: number[][] = [];
  const rawSamples: number[][][] = [];
  const functions = new Map<number, number>();
  const locations = new Map<number, number>();
  const reader = new WireReader(gunzipSync(packed));
  const numbers = (bytes: Uint8Array): number[] => {
    const list = new WireReader(bytes);
    const found: number[] = [];
    while (list.remaining > 0) found.push(list.uvarint());
    return found;
  };
  const fields = (bytes: Uint8Array): Map<number, number | Uint8Array> => {
    const inner = new WireReader(bytes);
    const found = new Map<number, number | Uint8Array>();
    while (inner.nextField() !== 0)
      found.set(inner.field, inner.wireType === 0 ? inner.uintField() : inner.bytesField());
    return found;
  };
  while (reader.nextField() !== 0) {
    if (reader.wireType === 0) {
      reader.skipField();
      continue;
    }
    const bytes = reader.bytesField();
    if (reader.field === 6) strings.push(Buffer.from(bytes).toString());
    else if (reader.field === 1) rawTypes.push([...fields(bytes).values()] as number[]);
    else if (reader.field === 2) {
      const parts = fields(bytes);
      rawSamples.push([numbers(parts.get(1) as Uint8Array), numbers(parts.get(2) as Uint8Array)]);
    } else if (reader.field === 4) {
      const parts = fields(bytes);
      locations.set(parts.get(1) as number, fields(parts.get(4) as Uint8Array).get(1) as number);
    } else if (reader.field === 5) {
      const parts = fields(bytes);
      functions.set(parts.get(1) as number, parts.get(2) as number);
    }
  }
  return {
    strings,
    types: rawTypes.map((pair) => pair.map((i) => strings[i]).join("/")),
    samples: rawSamples.map(([stack, values]) => ({
      stack: (stack as number[]).map((id) => strings[functions.get(locations.get(id) as number) as number] as string),
      values: values as number[],
    })),
  };
}

test("pprof: stacks begin with the function itself, strings stand once, what counts nothing is left out", () => {
  const root: CallNode = { frame: { functionName: "(root)", url: "", lineNumber: -1 }, parent: undefined, values: [0] };
  const a: CallNode = { frame: { functionName: "a", url: "file:///x.js", lineNumber: 4 }, parent: root, values: [0] };
  const b: CallNode = { frame: { functionName: "b", url: "file:///x.js", lineNumber: 9 }, parent: a, values: [3] };
  const again: CallNode = { frame: a.frame, parent: b, values: [2 ** 40] };
  const packed = encodePprof({
    valueTypes: [{ type: "things", unit: "count" }],
    nodes: [root, a, b, again],
    period: 1,
    periodType: { type: "things", unit: "count" },
    startedAtMs: 1_700_000_000_000,
    durationMs: 5,
  });
  const { strings, types, samples } = read(packed);
  assert.deepEqual(types, ["things/count"]);
  assert.deepEqual(samples, [
    { stack: ["b", "a"], values: [3] },
    { stack: ["a", "b", "a"], values: [2 ** 40] },
  ]);
  assert.equal(strings[0], "");
  assert.equal(new Set(strings).size, strings.length);
  assert.ok(strings.includes("/x.js"));
});

function busyWork(ms: number): number {
  let sum = 0;
  for (const end = performance.now() + ms; performance.now() < end; ) for (let i = 0; i < 1e4; i++) sum += Math.sqrt(i);
  return sum;
}

test("cpu profile: shows who works, in nanoseconds, and not who waits", async () => {
  const timer = setInterval(() => busyWork(20), 25);
  const tree = await sampleCpu(600, new AbortController().signal);
  clearInterval(timer);
  const { types, samples } = read(encodePprof(tree));
  assert.deepEqual(types, ["samples/count", "cpu/nanoseconds"]);
  const nanos = samples
    .filter(({ stack }) => stack.includes("busyWork"))
    .reduce((sum, { values }) => sum + (values[1] as number), 0);
  assert.ok(nanos > 1e8, `${nanos} ns`);
  assert.equal(
    samples.some(({ stack }) => stack.includes("(idle)")),
    false,
  );
});

test("heap profile: shows who allocates; a client that goes ends it", async () => {
  const kept: object[] = [];
  const gone = new AbortController();
  const timer = setInterval(function allocate() {
    for (let i = 0; i < 20_000; i++) kept.push({ i });
  }, 5);
  setTimeout(() => gone.abort(), 300);
  const tree = await sampleHeap(3_600_000, true, gone.signal);
  clearInterval(timer);
  const { types, samples } = read(encodePprof(tree));
  assert.deepEqual(types, ["inuse_objects/count", "inuse_space/bytes"]);
  const bytes = samples
    .filter(({ stack }) => stack.includes("allocate"))
    .reduce((sum, { values }) => sum + (values[1] as number), 0);
  assert.ok(bytes > 100_000, `${bytes} bytes`);
  assert.ok(kept.length > 0);
});

test("profile pages: an index, refusals in one sentence, one profile at a time", async () => {
  const pages = new ProfilePages();
  const { signal } = new AbortController();
  const ask = (name: string, query = "") => pages.answer(name, new URLSearchParams(query), signal);
  assert.match(String((await ask("")).body), /href="profile\?seconds=30"/);
  assert.equal((await ask("goroutine")).status, 404);
  for (const wrong of ["seconds=0", "seconds=x", "seconds=301", "seconds="])
    assert.equal((await ask("profile", wrong)).status, 400, wrong);
  const first = ask("profile", "seconds=0.05");
  assert.equal((await ask("heap", "seconds=0.05")).status, 409);
  assert.equal((await first).status, 200);
  assert.equal((await ask("allocs", "seconds=0.05")).status, 200);
});
