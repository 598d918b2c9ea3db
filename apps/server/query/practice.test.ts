import assert from "node:assert/strict";
import { test } from "node:test";
import { Practice, type PracticeClock } from "./practice.ts";
import type { StorageRequest } from "./request.ts";

/** A clock on which each request takes a millisecond, and timers that ring when the test says so. */
class Rig implements PracticeClock {
  ms = 0;
  readonly ran: string[] = [];
  #timer: (() => void) | undefined;
  readonly practice = new Practice((request) => {
    this.ms++;
    this.ran.push((request as { expr: string }).expr);
    if (this.ran.at(-1) === "fails") throw new Error("no");
  }, this);

  now(): number {
    return this.ms;
  }

  later(run: () => void): () => void {
    this.#timer = run;
    return () => {
      this.#timer = undefined;
    };
  }

  /** False when no timer is set. */
  ring(): boolean {
    const timer = this.#timer;
    this.#timer = undefined;
    timer?.();
    return timer !== undefined;
  }
}

const instant = (expr: string): StorageRequest => ({
  kind: "instant",
  expr,
  timeMs: 0,
  timeoutMs: undefined,
  lookbackDeltaMs: undefined,
  limit: 0,
  stats: "none",
  format: "json",
});

test("practice: what was asked is run again in turn, in short slices, until the budget is spent", () => {
  const rig = new Rig();
  assert.equal(rig.ring(), false);
  rig.practice.take(instant("a"));
  rig.practice.take(instant("fails"));
  rig.practice.take(instant("a"));
  assert.deepEqual(rig.ran, []);
  assert.ok(rig.ring());
  assert.deepEqual(rig.ran, ["a", "fails", "a"]);
  while (rig.ring());
  assert.equal(rig.ran.length, 402);
  rig.practice.take(instant("b"));
  assert.equal(rig.ring(), false);
});

test("practice: rules are left out, few requests are kept, and closing ends it", () => {
  const rig = new Rig();
  rig.practice.take({ kind: "vector", expr: "rule", timeMs: 0 });
  assert.equal(rig.ring(), false);
  for (let i = 0; i < 100; i++) rig.practice.take(instant(`q${i}`));
  for (let i = 0; i < 20; i++) rig.ring();
  assert.equal(new Set(rig.ran).size, 32);
  rig.practice.close();
  assert.equal(rig.ring(), false);
});
