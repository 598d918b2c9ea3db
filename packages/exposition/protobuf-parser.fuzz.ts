// Damaged protobuf: whatever arrives, the parser ends, with metrics or with an error of ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WireWriter } from "@narthex/encoding";
import { ExpositionError } from "./errors.ts";
import { ProtobufParser } from "./protobuf-parser.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 4000);

function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

function inside(writer: WireWriter, field: number, write: () => void): void {
  const mark = writer.begin(field);
  write();
  writer.end(mark);
}

function writeExemplar(writer: WireWriter, field: number, random: Random): void {
  inside(writer, field, () => {
    inside(writer, 1, () => writer.textField(2, "trace"));
    writer.doubleField(2, random(9));
    if (random(2) === 0) inside(writer, 3, () => writer.intField(1, random(99)));
  });
}

function writeHistogram(writer: WireWriter, random: Random): void {
  writer.uintField(1, random(99));
  writer.doubleField(2, random(99));
  for (let i = random(4); i > 0; i--) {
    inside(writer, 3, () => {
      writer.uintField(1, random(9));
      writer.doubleField(2, i);
      if (random(3) === 0) writeExemplar(writer, 3, random);
    });
  }
  writer.sintField(5, random(9));
  for (let i = random(3); i > 0; i--) {
    inside(writer, random(2) === 0 ? 9 : 12, () => {
      writer.sintField(1, random(3));
      writer.uintField(2, random(3));
    });
    writer.sintField(random(2) === 0 ? 10 : 13, random(3));
  }
  if (random(2) === 0) inside(writer, 15, () => writer.intField(1, random(99)));
  if (random(3) === 0) writeExemplar(writer, 16, random);
}

/** One to four families of random types. */
function drawBody(random: Random): Uint8Array {
  const body = new WireWriter();
  for (let f = random(4); f >= 0; f--) {
    const type = random(6);
    const writer = new WireWriter();
    writer.textField(1, `m${f}`);
    writer.textField(2, "help");
    writer.uintField(3, type);
    for (let m = random(3); m >= 0; m--) {
      inside(writer, 4, () => {
        inside(writer, 1, () => {
          writer.textField(1, "label");
          writer.textField(2, `value ${m}`);
        });
        const field = [3, 2, 4, 5, 7, 7][type] as number;
        inside(writer, field, () => (type >= 4 ? writeHistogram(writer, random) : writer.doubleField(1, random(9))));
        if (random(3) === 0) writer.intField(6, random(9));
      });
    }
    body.bytesField(0, writer.toBytes());
  }
  // The writer puts a tag before each message: here there is none.
  return stripTags(body.toBytes());
}

function stripTags(bytes: Uint8Array): Uint8Array {
  const kept: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    at++;
    let length = 0;
    let shift = 0;
    let end = at;
    do {
      length |= ((bytes[end] as number) & 0x7f) << shift;
      shift += 7;
    } while ((bytes[end++] as number) >= 0x80);
    kept.push(...bytes.subarray(at, end + length));
    at = end + length;
  }
  return Uint8Array.from(kept);
}

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const list = [...bytes];
  for (let i = random(4); i > 0; i--) {
    const at = random(list.length + 1);
    const kind = random(3);
    if (kind === 0) list.splice(at, random(4));
    else if (kind === 1) list.splice(at, 0, random(256));
    else if (at < list.length) list[at] = random(256);
  }
  return Uint8Array.from(list);
}

test(`protobuf parser: damaged bodies end in metrics or in an error of ours (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const parser = new ProtobufParser();
  let good = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const body = damage(drawBody(random), random);
    const place = `seed ${SEED}, round ${round}: ${Buffer.from(body).toString("hex")}`;
    parser.readsNative = random(2) === 0;
    parser.reset(body, body.length);
    let steps = 0;
    try {
      while (parser.nextFamily()) {
        assert.ok(parser.name !== "" && parser.help.length >= 0, place);
        while (parser.nextMetric()) {
          assert.ok(++steps <= body.length, `no end: ${place}`);
          const labels: string[] = [];
          parser.labels(labels);
          assert.equal(labels.length % 2, 0, place);
          for (let i = 0; i < parser.exemplarCount; i++) assert.ok(parser.exemplar(i).labels.length >= 0);
          const { positiveBuckets } = parser.histogram();
          assert.ok(positiveBuckets.length <= body.length, place);
          assert.ok(parser.bucketCount <= body.length && !Number.isNaN(parser.timestamp), place);
        }
      }
      good++;
    } catch (error) {
      assert.ok(error instanceof ExpositionError, `${place}: ${(error as Error).stack}`);
    }
  }
  assert.ok(good > 0 && good < ROUNDS);
});
