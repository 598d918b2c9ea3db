import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabelNameOptions, labelName } from "./label-name.ts";
import { metricName, type NamedKind } from "./metric-name.ts";
import { unitName } from "./unit-name.ts";

const STRATEGIES = {
  UnderscoreEscapingWithSuffixes: { allowsUtf8: false, addsSuffixes: true },
  UnderscoreEscapingWithoutSuffixes: { allowsUtf8: false, addsSuffixes: false },
  NoUTF8EscapingWithSuffixes: { allowsUtf8: true, addsSuffixes: true },
  NoTranslation: { allowsUtf8: true, addsSuffixes: false },
} as const;

/** Names by all four strategies, in the order above. */
function names(name: string, unit: string, kind: NamedKind): string[] {
  return Object.values(STRATEGIES).map((options) => {
    const result = metricName(name, unit, kind, options);
    return "name" in result ? result.name : `fault: ${result.fault}`;
  });
}

for (const [name, unit, kind, ...expected] of [
  [
    "http.server.duration",
    "s",
    "other",
    "http_server_duration_seconds",
    "http_server_duration",
    "http.server.duration_seconds",
    "http.server.duration",
  ],
  ["requests", "1", "counter", "requests_total", "requests", "requests_total", "requests"],
  ["utilization", "1", "gauge", "utilization_ratio", "utilization", "utilization_ratio", "utilization"],
  [
    "total.bytes.sent",
    "By",
    "counter",
    "bytes_sent_total",
    "total_bytes_sent",
    "total.bytes.sent_bytes_total",
    "total.bytes.sent",
  ],
  ["net.io", "By/s", "gauge", "net_io_bytes_per_second", "net_io", "net.io_bytes_per_second", "net.io"],
  ["a__b..c", "{request}", "gauge", "a_b_c", "a__b_c", "a__b..c", "a__b..c"],
  ["2xx", "{r}/min", "gauge", "_2xx_per_min", "_2xx", "2xx_per_min", "2xx"],
  ["x", "foo bar/b-r", "gauge", "x_foo_bar_per_b_r", "x", "x_foo bar_per_b-r", "x"],
  [
    "disk_seconds_total",
    "s",
    "counter",
    "disk_seconds_total",
    "disk_seconds_total",
    "disk_seconds_total",
    "disk_seconds_total",
  ],
  ["größe", "%", "gauge", "gr_e_percent", "gr_e", "größe_percent", "größe"],
] as const) {
  test(`metric name: ${name} in ${unit || "no unit"}, a ${kind}`, () => {
    assert.deepEqual(names(name, unit, kind as NamedKind), expected);
  });
}

test("metric name: nothing that could be a name", () => {
  assert.deepEqual(names("", "", "gauge").slice(0, 2), [
    'fault: normalization for metric "" resulted in empty name',
    'fault: normalization for metric "" resulted in empty name',
  ]);
  assert.equal(names("_._", "", "gauge")[1], 'fault: normalization for metric "_._" resulted in invalid name "___"');
  assert.equal(names("__", "", "gauge")[1], "__");
});

function label(key: string, options: Partial<LabelNameOptions> = {}): string {
  const standard = { allowsUtf8: false, guardsUnderscore: true, keepsUnderscores: true };
  const result = labelName(key, { ...standard, ...options });
  return "name" in result ? result.name : `fault: ${result.fault}`;
}

test("label name: characters beyond the old alphabet, leading digits and underscores", () => {
  assert.equal(label("http.method"), "http_method");
  assert.equal(label("1st"), "key_1st");
  assert.equal(label("_private"), "key_private");
  assert.equal(label("_private", { guardsUnderscore: false }), "_private");
  assert.equal(label("__reserved__"), "__reserved__");
  assert.equal(label("a..b"), "a__b");
  assert.equal(label("a..b", { keepsUnderscores: false }), "a_b");
  assert.equal(label("__a..b__", { keepsUnderscores: false }), "__a_b__");
  assert.equal(label("größe"), "gr__e");
  assert.equal(label("😀"), "key_");
  assert.equal(
    label("😀", { guardsUnderscore: false }),
    'fault: normalization for label name "😀" resulted in invalid name "_"',
  );
  assert.equal(label(""), "fault: label name is empty");
  assert.equal(label("a.b", { allowsUtf8: true }), "a.b");
  assert.equal(label("__", { allowsUtf8: true }), 'fault: label name "__" contains only underscores');
});

test("unit name: as metadata has it", () => {
  assert.deepEqual(
    ["s", "By/s", "1", "{x}", "{x}/s", "a b", ""].map((unit) => unitName(unit, false)),
    ["seconds", "bytes_per_second", "", "", "per_second", "a_b", ""],
  );
});
