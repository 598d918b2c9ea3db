import assert from "node:assert/strict";
import { test } from "node:test";
import { RunningQueries } from "./running-queries.ts";

const query = { expr: "up", startMs: 1, endMs: 1, stepMs: 0, begunMs: 5, origin: undefined };

test("running queries: they are listed oldest first until they end", () => {
  const running = new RunningQueries();
  const asker = new AbortController();
  const [first, second] = [running.begin(query, asker), running.begin({ ...query, expr: "down" }, asker)];
  assert.deepEqual(
    running.list.map(({ id, expr, state }) => [id, expr, state]),
    [
      [1, "up", "waiting"],
      [2, "down", "waiting"],
    ],
  );
  first.end();
  second.query.state = "running";
  assert.deepEqual(
    running.list.map(({ id, state }) => [id, state]),
    [[2, "running"]],
  );
});

test("running queries: one is ended by its number, or when its asker leaves; the others go on", () => {
  const running = new RunningQueries();
  const asker = new AbortController();
  const [left, killed, other] = [asker, new AbortController(), new AbortController()].map((each) =>
    running.begin(query, each),
  );
  assert.equal(running.kill(2), true);
  assert.deepEqual([left?.isStopped, killed?.isStopped], [false, true]);
  asker.abort();
  assert.deepEqual([left?.signal.aborted, killed?.signal.aborted, other?.signal.aborted], [true, true, false]);
  assert.equal(running.kill(99), false);
  assert.equal(running.begin(query, asker).signal.aborted, true);
});

test("running queries: a signal that many share brings no warning, and is let go of", async (t) => {
  const warnings: Error[] = [];
  const take = (warning: Error): void => void warnings.push(warning);
  process.on("warning", take);
  t.after(() => process.removeListener("warning", take));
  const running = new RunningQueries();
  const asker = new AbortController();
  const tickets = Array.from({ length: 30 }, () => running.begin(query, asker));
  for (const { signal } of tickets) assert.equal(signal.aborted, false);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(warnings, []);
  for (const ticket of tickets) ticket.end();
  assert.deepEqual(running.list, []);
});
