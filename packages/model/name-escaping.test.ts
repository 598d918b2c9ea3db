import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeName, unescapeName } from "./name-escaping.ts";

test("name escaping: each scheme writes names its way", () => {
  const rows: [name: string, underscores: string, dots: string, values: string][] = [
    ["plain_name:x", "plain_name:x", "plain__name:x", "plain_name:x"],
    ["http.method", "http_method", "http_dot_method", "U__http_2e_method"],
    ["a_b.c", "a_b_c", "a__b_dot_c", "U__a__b_2e_c"],
    ["1st", "_st", "__st", "U___31_st"],
    ["emoji🔥", "emoji_", "emoji__", "U__emoji_1f525_"],
  ];
  for (const [name, underscores, dots, values] of rows) {
    assert.deepEqual(
      [escapeName(name, "underscores"), escapeName(name, "dots"), escapeName(name, "values")],
      [underscores, dots, values],
    );
    assert.equal(escapeName(name, "allow-utf-8"), name);
    assert.equal(unescapeName(values), name);
  }
});

test("name escaping: what was not written by it comes back as it is", () => {
  for (const text of ["", "plain", "U__a_", "U__a_zz_", "U___110000_", "U___d800_", "U___1234567_"])
    assert.equal(unescapeName(text), text);
});
