import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import { Append } from "@narthex/storage";
import { Db, MemoryFs } from "@narthex/tsdb";
import { type BudgetLimits, namedLimits, parseNamedLimit, SeriesBudget } from "./series-budget.ts";

interface Rig {
  readonly db: Db;
  readonly budget: SeriesBudget;
  /** Appends one sample to each series, given as `name{job}`; answers which of them were taken. */
  append(t: number, ...series: readonly string[]): string[];
  refusals(): Promise<Record<string, number>>;
}

async function open(limits: Partial<BudgetLimits>): Promise<Rig> {
  const registry = new Registry();
  const db = await Db.open({ directory: "/data", fs: new MemoryFs(), registry: new Registry() } as never);
  const budget = new SeriesBudget(
    { total: 0, perJob: namedLimits([]), perMetric: namedLimits([]), ...limits },
    registry,
  );
  budget.guard(db.head);
  return {
    db,
    budget,
    append(t, ...series) {
      const appender = db.appender();
      const taken = series.filter((text) => {
        const [, name, job] = /^(.*)\{(.*)\}$/.exec(text) as unknown as [string, string, string];
        const ref = appender.series(Labels.fromObject({ __name__: name, job }));
        return ref !== 0 && appender.append(ref, t, 1) === Append.ok;
      });
      appender.commit();
      return taken;
    },
    async refusals() {
      const { body } = await registry.expose();
      return Object.fromEntries(
        [...body.matchAll(/^narthex_series_refused_total\{budget="(\w+)"\} (\d+)$/gm)]
          .map(([, kind, count]) => [kind as string, Number(count)] as const)
          .filter(([, count]) => count > 0),
      );
    },
  };
}

test("series budget: without limits and with memory to spare, nobody is asked", async () => {
  const { db, budget } = await open({});
  assert.equal(db.head.seriesGate, undefined);
  budget.memoryIsShort = true;
  assert.equal(db.head.seriesGate, budget);
  budget.memoryIsShort = false;
  assert.equal(db.head.seriesGate, undefined);
  await db.close();
});

test("series budget: in all; known series go on, new ones are refused and counted", async () => {
  const rig = await open({ total: 2 });
  assert.deepEqual(rig.append(1, "a{x}", "b{x}", "c{x}"), ["a{x}", "b{x}"]);
  assert.deepEqual(rig.append(2, "c{x}", "b{x}", "a{x}"), ["b{x}", "a{x}"]);
  assert.deepEqual(await rig.refusals(), { total: 2 });
  assert.equal(rig.db.head.seriesCount, 2);
  await rig.db.close();
});

test("series budget: nothing of a refused series' text stays in memory", async () => {
  const rig = await open({ total: 1 });
  rig.append(1, "a{x}");
  const before = rig.db.stats().numLabelPairs;
  for (let i = 0; i < 1000; i++) rig.append(2, `metric_${i}{job_${i}}`);
  assert.equal(rig.db.stats().numLabelPairs, before);
  await rig.db.close();
});

test("series budget: of a job and of a metric, some with limits of their own", async () => {
  const rig = await open({ perJob: namedLimits(["2", "big=3", "free=0"]), perMetric: namedLimits(["m=1"]) });
  assert.deepEqual(rig.append(1, "a{x}", "b{x}", "c{x}", "a{y}"), ["a{x}", "b{x}", "a{y}"]);
  assert.deepEqual(rig.append(1, "a{big}", "b{big}", "c{big}", "d{big}"), ["a{big}", "b{big}", "c{big}"]);
  assert.equal(rig.append(1, "a{free}", "b{free}", "c{free}", "d{free}", "m{free}", "m{y}").length, 5);
  assert.deepEqual(await rig.refusals(), { job: 2, metric: 1 });
  await rig.db.close();
});

test("series budget: what the server makes of its own accord is never refused", async () => {
  const rig = await open({ total: 1 });
  rig.append(1, "a{x}");
  const appender = rig.db.appender();
  assert.notEqual(appender.series(Labels.fromObject({ __name__: "up" }), true), 0);
  appender.rollback();
  await rig.db.close();
});

test("series budget: while memory is short every new series is refused", async () => {
  const rig = await open({});
  rig.append(1, "a{x}");
  rig.budget.memoryIsShort = true;
  assert.deepEqual(rig.append(2, "a{x}", "b{x}"), ["a{x}"]);
  rig.budget.memoryIsShort = false;
  assert.deepEqual(rig.append(3, "b{x}"), ["b{x}"]);
  assert.deepEqual(await rig.refusals(), { memory: 1 });
  await rig.db.close();
});

test("series budget: limits as flags give them", () => {
  assert.deepEqual(parseNamedLimit("100"), [undefined, 100]);
  assert.deepEqual(parseNamedLimit("a=b=7"), ["a=b", 7]);
  for (const text of ["", "x", "=5", "a=", "a=-1", "1.5"])
    assert.throws(() => parseNamedLimit(text), /expected a number/);
});
