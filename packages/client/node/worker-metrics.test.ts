import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Counter, type Exposable, Registry } from "../index.ts";
import { WorkerMetrics } from "./index.ts";

const FIXTURE = join(import.meta.dirname, "worker-fixture.js");

async function samples(metrics: Exposable): Promise<string[]> {
  let text = "";
  for await (const chunk of await metrics.stream()) text += Buffer.from(chunk).toString();
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("workers: processes and threads are one; what they counted outlives them, what only lives with them does not", async () => {
  const own = new Registry();
  new Counter({ name: "own_total", help: "h", registers: [own] }).inc();
  const metrics = new WorkerMetrics({ registry: own });
  const child = fork(FIXTURE);
  const thread = new Worker(FIXTURE);
  try {
    await Promise.all([once(child, "message"), once(thread, "message")]);
    metrics.add(child);
    metrics.add(thread);
    const both = [
      "own_total 1",
      "w_bytes_sum 8",
      "w_bytes_count 2",
      "w_live 6",
      "w_nan NaN",
      'w_seconds_bucket{le="1"} 0',
      'w_seconds_bucket{le="+Inf"} 2',
      "w_seconds_sum 4",
      "w_seconds_count 2",
      'w_total{a="x"} 4',
    ];
    assert.deepEqual(await samples(metrics), both);
    child.send("end");
    await once(child, "exit");
    assert.deepEqual(
      await samples(metrics),
      both.map((line) => (line === "w_live 6" ? "w_live 3" : line)),
    );
  } finally {
    metrics.close();
    child.kill("SIGKILL");
    await thread.terminate();
  }
});

test("workers: one that hangs costs the timeout, and is shown as it was", async () => {
  const metrics = new WorkerMetrics({ timeoutSeconds: 0.1 });
  const child = fork(FIXTURE);
  try {
    await once(child, "message");
    metrics.add(child);
    const before = await samples(metrics);
    child.send("hang");
    assert.deepEqual(await samples(metrics), before);
    assert.equal(child.listenerCount("message"), 0, "nothing keeps listening");
  } finally {
    metrics.close();
    child.kill("SIGKILL");
  }
});
