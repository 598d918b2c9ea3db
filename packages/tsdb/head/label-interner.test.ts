// Interning from bytes against interning from strings: the same pairs, whatever row came before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { LabelBytes } from "@narthex/storage";
import { Head } from "./head.ts";
import { labelsOf } from "./series-labels.ts";
import { atOnce } from "./steps.ts";

const SMALL = 2 ** 26;

function bytesOf(set: Record<string, string>): LabelBytes {
  const bytes = new LabelBytes();
  for (const [name, value] of Labels.fromObject(set)) bytes.addText(name, value);
  return bytes;
}

function head(): Head {
  return new Head({ chunkRangeMs: 7_200_000, memoryBytes: SMALL });
}

test("label interner: rows that share names and values with the one before give the series that strings give", () => {
  const { table, memory, symbols } = head();
  const sets: Record<string, string>[] = [
    { a: "1", b: "2", c: "3" },
    { a: "1", b: "2", c: "4" },
    { a: "1", c: "4" },
    { a: "1", b: "2", c: "3", d: "5" },
    { b: "2", c: "3", d: "5" },
    { b: "é", c: "3", d: "5" },
    { b: "é", c: "3", d: "6" },
    { b: "e", ç: "3" },
    { b: "e", ç: "3", "\u{1f525}": "\u{1f525}" },
    { b: "", c: "33" },
  ];
  for (const bytesFirst of [true, false]) {
    for (const set of sets) {
      const labels = Labels.fromObject({ ...set, first: String(bytesFirst) });
      const bytes = bytesOf(labels.toObject());
      const made = bytesFirst ? table.findOrCreateBytes(bytes) : table.findOrCreate(labels);
      assert.ok(made < 0, `${labels} is new`);
      assert.equal(table.findOrCreateBytes(bytes), -made);
      assert.equal(table.findOrCreate(labels), -made);
      assert.deepEqual(labelsOf(memory, symbols, -made).toObject(), labels.toObject());
    }
  }
});

test("label interner: pairs that went from the table are not taken from the row before", () => {
  const { table, symbols } = head();
  const record = -table.findOrCreateBytes(bytesOf({ a: "gone", b: "1" }));
  table.remove([record], () => undefined);
  atOnce(table.droppingRemoved());
  const again = -table.findOrCreateBytes(bytesOf({ a: "gone", b: "1" }));
  assert.equal(table.find(Labels.fromObject({ a: "gone", b: "1" })), again);
  assert.equal(symbols.pairTotal, 2);
});

test("pair table: growing while pairs are being dropped takes none from the series at hand", () => {
  // Twice as many pairs as are looked at in one step, and as many as a table of 2^16 places takes: the next new pair makes it grow.
  const pairs = 32_768;
  const interrupted = (door: "strings" | "bytes", steps: number): boolean => {
    const { table } = head();
    const record = -table.findOrCreate(Labels.fromObject({ a: "going" }));
    for (let i = 1; i < pairs; i++) table.findOrCreate(Labels.fromObject({ b: String(i) }));
    table.remove([record], () => undefined);
    const dropping = table.droppingRemoved();
    let isDone = false;
    for (let step = 0; step < steps && !isDone; step++) isDone = dropping.next(false).done === true;
    const labels = Labels.fromObject({ a: "going", b: "new" });
    const made = -(door === "bytes" ? table.findOrCreateBytes(bytesOf(labels.toObject())) : table.findOrCreate(labels));
    if (!isDone) atOnce(dropping);
    assert.equal(table.find(labels), made, `${door}, after ${steps} steps`);
    return !isDone;
  };
  for (const door of ["strings", "bytes"] as const) {
    let steps = 1;
    while (interrupted(door, steps)) steps++;
    assert.ok(steps > 3, "it was interrupted on the way");
  }
});
