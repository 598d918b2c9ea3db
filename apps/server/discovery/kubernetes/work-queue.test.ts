import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { ManualClock } from "../../scrape/testing.ts";
import type { TargetGroup } from "../target-group.ts";
import { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { WorkQueue } from "./work-queue.ts";

const PREFIX = "prometheus_sd_kubernetes_workqueue_";

/** The values of the queue metrics of the role `pod`, by their names. */
async function valuesOf(registry: Registry): Promise<Record<string, string>> {
  const { body } = await registry.expose();
  const lines = body.toString().split("\n");
  const found = lines.filter((line) => line.startsWith(PREFIX) && line.includes('{queue_name="pod"}'));
  return Object.fromEntries(found.map((line) => line.slice(PREFIX.length).split('{queue_name="pod"} ')));
}

/** Lets what was begun go on, past the turns that a queue leaves to others. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("work queue: its metrics tell what waits, for how long it did, and how long work has been on", async () => {
  const clock = new ManualClock(0);
  const registry = new Registry();
  const metrics = new KubernetesMetrics(registry);
  const emitted: string[] = [];
  let building = (): void => {};
  const queue = new WorkQueue({
    name: "pod",
    logger: silentLogger,
    clock,
    metrics,
    build: (key): TargetGroup => {
      building();
      return { source: key, labels: new Map(), targets: [new Map([["__address__", key]])] };
    },
    emit: (groups) => emitted.push(...groups.map(({ source }) => source)),
  });
  queue.add("a");
  queue.add("b");
  queue.add("b");
  const waiting = await valuesOf(registry);
  assert.deepEqual([waiting["depth"], waiting["items_total"], waiting["unfinished_work_seconds"]], ["2", "2", "0"]);
  clock.pass(4000);
  // The first object takes three seconds, which is more than one turn of work: whoever asks now sees it under way.
  let meanwhile: Promise<Record<string, string>> | undefined;
  building = () => {
    building = () => {};
    const end = performance.now() + 20;
    while (performance.now() < end);
    clock.pass(3000);
    meanwhile = valuesOf(registry);
  };
  queue.open();
  await settled();
  const during = await meanwhile;
  assert.deepEqual(
    [during?.["depth"], during?.["unfinished_work_seconds"], during?.["longest_running_processor_seconds"]],
    ["1", "3", "3"],
  );
  assert.deepEqual(emitted, ["a", "b"]);
  const after = await valuesOf(registry);
  assert.deepEqual(
    [after["depth"], after["unfinished_work_seconds"], after["longest_running_processor_seconds"]],
    ["0", "0", "0"],
  );
  assert.deepEqual([after["latency_seconds_count"], after["latency_seconds_sum"]], ["2", "11"]);
  assert.deepEqual([after["work_duration_seconds_count"], after["work_duration_seconds_sum"]], ["1", "3"]);
  queue.add("c");
  queue.stop();
  assert.equal((await valuesOf(registry))["depth"], "0");
});
