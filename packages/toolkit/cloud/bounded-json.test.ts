import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "./bounded-json.ts";

test("JSON from outside: values are counted before they become objects; messages quote nothing", () => {
  assert.deepEqual(parseJson('{"a":[1,{}]}'), { a: [1, {}] });
  assert.throws(() => parseJson('{"s3cret'), /^Error: answer is no valid JSON$/);
  assert.throws(() => parseJson(`[${"{},".repeat(8_000_001)}{}]`), /more than 8000000 JSON values/);
  const large = parseJson(`["${"x".repeat(20_000_000)}"]`) as string[];
  assert.equal(large[0]?.length, 20_000_000);
});
