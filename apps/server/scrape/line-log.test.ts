import assert from "node:assert/strict";
import { test } from "node:test";
import { TextParser } from "@narthex/exposition";
import { LineLog, UNKNOWN_PLACE } from "./line-log.ts";
import { hashSeries } from "./template.ts";

function read(log: LineLog, text: string): string[] {
  const body = Buffer.from(text);
  const bytes = new Uint8Array(body.length + 16);
  bytes.set(body);
  const parser = new TextParser();
  parser.reset(bytes, body.length);
  log.read(parser, bytes);
  return Array.from({ length: log.count }, (_, i) => {
    const [start, end] = [log.seriesStarts[i] as number, log.seriesEnds[i] as number];
    assert.equal(log.hashes[i], hashSeries(bytes, start, end));
    assert.equal(log.places[i], UNKNOWN_PLACE);
    const value = body.toString("utf8", log.valueStarts[i], log.ends[i]);
    return `${body.toString("utf8", start, end)} = ${value}, type ${log.typeCodes[i]}`;
  });
}

test("line log: series, values, types and what stands between them, body after body", () => {
  const log = new LineLog();
  const text = '# just words\n# HELP a Help.\na{x="1"} 5\n\n# TYPE b counter\nb  1e3 1000\n b{} 2\n# TYPE c gauge\n';
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(read(log, text), ['a{x="1"} = 5, type 0', "b = 1e3 1000, type 1", "b{} = 2, type 1"]);
    assert.deepEqual(log.notes, [
      { family: "a", kind: "help", text: "Help." },
      { family: "b", kind: "type", text: "counter" },
      { family: "c", kind: "type", text: "gauge" },
    ]);
    assert.deepEqual(log.noteLines, [0, 1, 3]);
  }
});

test("line log: grows with the body and is empty after a clear", () => {
  const log = new LineLog();
  const lines = Array.from({ length: 5000 }, (_, i) => `m{i="${i}"} ${i}`);
  assert.equal(read(log, `${lines.join("\n")}\n`)[4999], 'm{i="4999"} = 4999, type 0');
  log.clear();
  assert.deepEqual([log.count, log.notes.length], [0, 0]);
});
