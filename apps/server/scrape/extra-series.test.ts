import assert from "node:assert/strict";
import { test } from "node:test";
import { ExtraSeriesSet } from "./extra-series.ts";
import { hashSeries } from "./template.ts";

/** Finds or adds series by text; what is found is told by its ref. */
class Notebook {
  readonly set = new ExtraSeriesSet();

  add(text: string, ref: number, seen = 0): void {
    const { view, start, end, hash } = place(text);
    this.set.setSeen(this.set.add(view, start, end, hash, ref, ref & 7, ref & 3, undefined), seen);
  }

  find(text: string): number | undefined {
    const { view, start, end, hash } = place(text);
    const id = this.set.find(view, start, end, hash);
    return id < 0 ? undefined : this.set.ref(id);
  }

  texts(): string[] {
    return Array.from({ length: this.set.size }, (_, id) => {
      const bytes = new Uint8Array(this.set.textBytes(id));
      return Buffer.from(bytes.subarray(0, this.set.copyText(id, bytes))).toString();
    });
  }
}

function place(text: string): { view: DataView; start: number; end: number; hash: number } {
  const bytes = new Uint8Array(Buffer.byteLength(text) + 11);
  bytes.fill(0xff);
  bytes.set(Buffer.from(text), 5);
  const end = 5 + Buffer.byteLength(text);
  return { view: new DataView(bytes.buffer), start: 5, end, hash: hashSeries(bytes, 5, end) };
}

test("extra series: all are found by their texts, of any length, and after the set has grown", () => {
  const notebook = new Notebook();
  assert.equal(notebook.find("m"), undefined);
  for (let i = 0; i < 1000; i++) notebook.add(`m{i="${"x".repeat(i % 50)}${i}"}`, i + 1);
  for (let i = 0; i < 1000; i++) assert.equal(notebook.find(`m{i="${"x".repeat(i % 50)}${i}"}`), i + 1);
  assert.equal(notebook.find('m{i="0'), undefined);
  assert.equal(notebook.find('m{i="1000"}'), undefined);
});

test("extra series: those that a scrape did not have leave, the others keep what is known of them", () => {
  const notebook = new Notebook();
  const names = Array.from({ length: 300 }, (_, i) => `ü${i}`);
  for (const [i, name] of names.entries()) notebook.add(name, i + 1, (i % 3 === 0 ? 7 : 6) * 2 + 1);
  notebook.set.keepSeen(7);
  assert.deepEqual(
    notebook.texts(),
    names.filter((_, i) => i % 3 === 0),
  );
  for (const [i, name] of names.entries()) assert.equal(notebook.find(name), i % 3 === 0 ? i + 1 : undefined, name);
  assert.deepEqual(
    [notebook.set.ref(1), notebook.set.flags(1), notebook.set.typeCode(1), notebook.set.seen(1)],
    [4, 4, 0, 15],
  );
  notebook.set.unsee(7);
  assert.equal(notebook.set.seen(1), 12);
  notebook.set.keepSeen(8);
  assert.equal(notebook.set.size, 0);
  assert.equal(notebook.find("ü0"), undefined);
});

test("extra series: what a set leaves when it is emptied is as new for the next one", () => {
  const first = new Notebook();
  for (let i = 0; i < 500; i++) first.add(`a${i}`, i + 1, 9);
  first.set.clear();
  assert.equal(first.find("a1"), undefined);
  const second = new Notebook();
  const third = new Notebook();
  for (let i = 0; i < 100; i++) {
    second.add(`b${i}`, i + 1);
    third.add(`c${i}`, i + 1);
  }
  for (let i = 0; i < 500; i++) assert.equal(second.find(`a${i}`), undefined);
  for (let i = 0; i < 100; i++) {
    assert.equal(second.find(`b${i}`), i + 1);
    assert.equal(third.find(`c${i}`), i + 1);
  }
  assert.equal(second.set.seen(5), 0);
});
