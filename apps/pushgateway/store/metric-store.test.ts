import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@narthex/toolkit";
import { problemOf, pushOf, shownBy } from "../testing.ts";
import { MetricStore, type StoreOptions } from "./metric-store.ts";
import { PushRules } from "./push-rules.ts";

function storeWith(options: Partial<StoreOptions> = {}): MetricStore {
  const own = [{ name: "go_goroutines", type: "gauge", help: "Goroutines." }] as const;
  return new MetricStore({
    own,
    checks: true,
    maxBytes: 1e6,
    rules: PushRules.none(),
    logger: silentLogger,
    ...options,
  });
}

const X = { job: "x" };

test("store: PUT replaces the group, POST the families it names, DELETE all", () => {
  const store = storeWith();
  store.write(pushOf(X, "a 1\nb 1\n", { timeMs: 1000 }));
  store.write(pushOf(X, "b 2\nc 2\n", { timeMs: 2000 }));
  assert.deepEqual(shownBy(store), [
    'a{instance="",job="x"} 1',
    'b{instance="",job="x"} 2',
    'c{instance="",job="x"} 2',
    'push_failure_time_seconds{instance="",job="x"} 0',
    'push_time_seconds{instance="",job="x"} 2',
  ]);
  store.write(pushOf(X, "d 3\n", { timeMs: 3000, replaces: true }));
  assert.deepEqual(shownBy(store).slice(0, 2), [
    'd{instance="",job="x"} 3',
    'push_failure_time_seconds{instance="",job="x"} 0',
  ]);
  store.write({ kind: "delete", grouping: store.groups()[0] as never });
  assert.deepEqual(shownBy(store), []);
  assert.equal(store.bytes, 0);
});

test("store: a push that does not fit leaves what was there, and the time of its failure", () => {
  const store = storeWith();
  store.write(pushOf(X, "a 1\n"));
  const problem = problemOf(store.write(pushOf({ job: "y" }, "# TYPE a counter\na 3\n", { timeMs: 5000 })));
  assert.match(problem, /^collected metric "a" \{ .*counter:\{value:3\}\} is not a UNTYPED$/);
  assert.deepEqual(shownBy(store), [
    'a{instance="",job="x"} 1',
    'push_failure_time_seconds{instance="",job="x"} 0',
    'push_failure_time_seconds{instance="",job="y"} 5',
    'push_time_seconds{instance="",job="x"} 1',
    'push_time_seconds{instance="",job="y"} 0',
  ]);
});

// The reference refuses such a push, yet keeps the time of its failure under a second key with the same labels: from then on its
// page is an error and every push is refused, until everything is wiped.
test("store: a group with an empty instance is the group without one, so that its markers cannot clash", () => {
  const store = storeWith();
  store.write(pushOf(X, "a 1\n"));
  assert.equal(problemOf(store.write(pushOf({ job: "x", instance: "" }, "a 2\n"))), "");
  assert.match(problemOf(store.write(pushOf({ job: "x", instance: "" }, "go_goroutines 2\n"))), /should have GAUGE$/);
  assert.equal(store.groupCount, 1);
  assert.deepEqual(store.pageProblems(), []);
  assert.equal(problemOf(store.write(pushOf({ job: "z" }, "b 1\n"))), "");
  const lines = shownBy(store);
  assert.equal(new Set(lines.map((line) => line.split(" ")[0])).size, lines.length, "no series twice");
});

test("store: several groups may have a family, one of each series", () => {
  const store = storeWith();
  store.write(pushOf(X, 'a{y="1"} 1\n'));
  assert.match(
    problemOf(store.write(pushOf({ job: "x", y: "1" }, "a 2\n"))),
    /was collected before with the same name and label values$/,
  );
  assert.equal(problemOf(store.write(pushOf({ job: "x", y: "2" }, "a 2\n"))), "");
  assert.equal(problemOf(store.write(pushOf(X, 'a{y="1"} 3\n'))), "", "a group does not stand in its own way");
});

test("store: unchecked pushes are kept, and the page says what is wrong until that is deleted", () => {
  const store = storeWith({ checks: false });
  store.write(pushOf(X, "a 1\n"));
  const other = pushOf({ job: "y" }, "# TYPE a gauge\na 1\n");
  assert.equal(problemOf(store.write(other)), "");
  assert.match(store.pageProblems().join(), /is not a UNTYPED$/);
  if (other.kind === "push") store.write({ kind: "delete", grouping: other.grouping });
  assert.deepEqual(store.pageProblems(), []);
});

test("store: what was restored broken refuses pushes until it is mended", () => {
  const broken = storeWith({ checks: false });
  broken.write(pushOf(X, "a 1\n"));
  broken.write(pushOf({ job: "y" }, "# TYPE a gauge\na 1\n"));
  const store = storeWith();
  store.restore(broken.groups());
  assert.match(problemOf(store.write(pushOf({ job: "z" }, "b 1\n"))), /"a".* is not a /);
  assert.equal(problemOf(store.write(pushOf({ job: "y" }, "c 1\n", { replaces: true }))), "", "this mends it");
  assert.equal(problemOf(store.write(pushOf({ job: "z" }, "b 1\n"))), "");
});

test("store: full is full, and says what to do; deleting makes room", () => {
  const store = storeWith({ maxBytes: 5000 });
  let refused = "";
  for (let i = 0; refused === "" && i < 100; i++) refused = problemOf(store.write(pushOf({ job: `j${i}` }, "a 1\n")));
  assert.match(
    refused,
    /^the gateway is full: its \d+ groups take some \d+ of 5000 bytes; delete groups, or raise --push.max-store-size$/,
  );
  assert.ok(store.bytes <= 5000);
  const [first] = store.groups();
  store.write({ kind: "delete", grouping: first as NonNullable<typeof first> });
  assert.equal(problemOf(store.write(pushOf({ job: "new" }, "a 1\n"))), "");
});

test("store: groups go when nothing was pushed for as long as a rule, the flag or the push itself says", () => {
  const rules = PushRules.parse('rules: [{match: {job: "short.*"}, ttl: 10s}]', "rules.yml", 60_000);
  const store = storeWith({ rules });
  store.write(pushOf({ job: "short1" }, "a 1\n", { timeMs: 0 }));
  store.write(pushOf({ job: "long" }, "a 1\n", { timeMs: 0 }));
  store.write(pushOf({ job: "own" }, "a 1\n", { timeMs: 0, ttlMs: 100_000 }));
  store.write(pushOf({ job: "short1" }, "a 1\n", { timeMs: 5000 }));
  assert.equal(store.earliestExpiryMs, 10_000);
  const left = (nowMs: number): string[] => {
    store.write({ kind: "expire", nowMs });
    return store.groups().map(({ labels }) => labels[1] as string);
  };
  assert.deepEqual(left(14_999), ["short1", "long", "own"]);
  assert.deepEqual(left(15_000), ["long", "own"]);
  assert.deepEqual(left(60_000), ["own"]);
  assert.equal(store.earliestExpiryMs, 100_000);
  assert.deepEqual(left(100_000), []);
});
