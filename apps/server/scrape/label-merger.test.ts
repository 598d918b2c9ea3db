import assert from "node:assert/strict";
import { test } from "node:test";
import { Entry, TextParser } from "@narthex/exposition";
import { Labels } from "@narthex/model";
import { LabelBytes } from "@narthex/storage";
import { LabelMerger } from "./label-merger.ts";
import type { SampleLabelOptions } from "./sample-labels.ts";
import { cacheOptions } from "./testing.ts";

const TARGET = Labels.fromObject({ instance: "h:1", job: "j" });

/** The merged labels of each sample of a text; undefined where the merger leaves them to the strings. */
function merge(text: string, overrides: Partial<SampleLabelOptions> = {}, target = TARGET): (string | undefined)[] {
  const body = Buffer.from(text);
  const bytes = new Uint8Array(body.length + 16);
  bytes.set(body);
  const parser = new TextParser();
  parser.reset(bytes, body.length);
  const merger = new LabelMerger();
  const into = new LabelBytes();
  const answers: (string | undefined)[] = [];
  for (let kind = parser.next(); kind !== Entry.end; kind = parser.next()) {
    if (kind !== Entry.sample) continue;
    const answered = merger.merge(parser, bytes, target, cacheOptions(overrides), into);
    answers.push(answered ? into.toLabels().toString() : undefined);
  }
  return answers;
}

test("label merger: exposed and target labels in the order of their names, neighbours with the same names or others", () => {
  assert.deepEqual(merge('m{z="1",a="2"} 1\nm{z="3",a="4"} 1\nup 1\nm{Z="5",k="6",} 1\n'), [
    '{__name__="m", a="2", instance="h:1", job="j", z="1"}',
    '{__name__="m", a="4", instance="h:1", job="j", z="3"}',
    '{__name__="up", instance="h:1", job="j"}',
    '{Z="5", __name__="m", instance="h:1", job="j", k="6"}',
  ]);
});

test("label merger: bounds of histograms and quantiles of summaries are normalised, others are not", () => {
  const text =
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_bucket{le="0.5"} 1\nh_bucket{quantile="1"} 1\n' +
    '# TYPE s summary\ns{quantile="1e0",le="1"} 1\n';
  assert.deepEqual(merge(text, {}, Labels.empty), [
    '{__name__="h_bucket", le="1.0"}',
    '{__name__="h_bucket", le="+Inf"}',
    '{__name__="h_bucket", le="0.5"}',
    '{__name__="h_bucket", quantile="1"}',
    '{__name__="s", le="1", quantile="1.0"}',
  ]);
});

test("label merger: an honored label keeps the target's away; one that must be renamed is left to the strings", () => {
  assert.deepEqual(merge('m{job="mine"} 1\n', { honorLabels: true }), ['{__name__="m", instance="h:1", job="mine"}']);
  assert.deepEqual(merge('m{job="mine"} 1\n', { honorLabels: false }), [undefined]);
});

test("label merger: whatever is not plain is left to the strings", () => {
  const texts = ['m{a=""} 1', 'm{a="ü"} 1', 'm{a="\\n"} 1', 'm{"a"="1"} 1', '{"m",a="1"} 1', 'm{a="1",a="2"} 1'];
  for (const text of texts) assert.deepEqual(merge(`${text}\n`), [undefined], text);
  assert.deepEqual(merge("m 1\n", {}, Labels.fromObject({ "a.b": "1" })), [undefined]);
  // The same names in quotes, then without, and the other way round.
  const plain = '{__name__="m", a="2", instance="h:1", job="j"}';
  assert.deepEqual(merge('m{"a"="1"} 1\nm{a="2"} 1\nm{"a"="3"} 1\nm{a="2"} 1\n'), [undefined, plain, undefined, plain]);
});

test("label merger: labels beyond a limit are left to the strings, those at it are not", () => {
  const text = 'm{abcd="12345"} 1\n';
  const whole = ['{__name__="m", abcd="12345", instance="h:1", job="j"}'];
  assert.deepEqual(merge(text, { labelLimit: 4, labelNameLengthLimit: 8, labelValueLengthLimit: 5 }), whole);
  assert.deepEqual(merge(text, { labelLimit: 3 }), [undefined]);
  assert.deepEqual(merge(text, { labelNameLengthLimit: 7 }), [undefined]);
  assert.deepEqual(merge(text, { labelValueLengthLimit: 4 }), [undefined]);
});
