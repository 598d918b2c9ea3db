import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Registry } from "../index.ts";
import { collectDefaultMetrics } from "./index.ts";

async function exposed(options: Parameters<typeof collectDefaultMetrics>[0]): Promise<Map<string, number>> {
  const registry = new Registry();
  const close = collectDefaultMetrics({ register: registry, ...options });
  try {
    const samples = new Map<string, number>();
    for (const line of (await registry.metrics()).split("\n")) {
      if (line === "" || line.startsWith("#")) continue;
      const space = line.lastIndexOf(" ");
      samples.set(line.slice(0, space), Number(line.slice(space + 1)));
    }
    return samples;
  } finally {
    close();
  }
}

test("default metrics: names and plausible values", async () => {
  const samples = await exposed({});
  const value = (name: string): number => samples.get(name) ?? NaN;
  assert.ok(value("process_cpu_seconds_total") > 0);
  assert.ok(Math.abs(value("process_start_time_seconds") + process.uptime() - Date.now() / 1000) < 1);
  assert.ok(value("process_resident_memory_bytes") > 1e7);
  assert.ok(value("nodejs_heap_size_used_bytes") <= value("nodejs_heap_size_total_bytes"));
  assert.ok(value("nodejs_eventloop_lag_seconds") >= 0);
  assert.equal(
    value(
      `nodejs_version_info{major="${process.versions.node.split(".")[0]}",minor="${process.versions.node.split(".")[1]}",patch="${process.versions.node.split(".")[2]}",version="${process.version}"}`,
    ),
    1,
  );
  for (const name of [
    "nodejs_eventloop_lag_p99_seconds",
    "nodejs_active_resources_total",
    'nodejs_gc_duration_seconds_count{kind="major"}',
    'nodejs_heap_space_size_used_bytes{space="new"}',
    "nodejs_eventloop_active_seconds_total",
  ]) {
    assert.ok(samples.has(name), name);
  }
  assert.ok(!samples.has("go_goroutines"));
});

test("default metrics: what Linux tells about a process", {
  skip: existsSync("/proc/self/status") ? false : "no /proc here",
}, async () => {
  const samples = await exposed({});
  const value = (name: string): number => samples.get(name) ?? NaN;
  assert.ok(value("process_open_fds") > 2 && value("process_open_fds") <= value("process_max_fds"));
  assert.ok(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
  assert.ok(value("process_virtual_memory_max_bytes") >= value("process_virtual_memory_bytes"));
  assert.ok(value("process_threads") >= 1);
  assert.ok(value("process_network_receive_bytes_total") >= 0);
});

test("default metrics: Go's names on demand, prefix and labels everywhere", async () => {
  const samples = await exposed({ go: true, goVersion: "node 1", prefix: "my_", labels: { app: "x" } });
  assert.ok((samples.get('go_goroutines{app="x"}') ?? NaN) >= 0);
  assert.equal(samples.get('go_info{app="x",version="node 1"}'), 1);
  for (const name of [
    'go_gc_duration_seconds{app="x",quantile="1"}',
    'go_memstats_alloc_bytes{app="x"}',
    'my_process_cpu_seconds_total{app="x"}',
    'my_nodejs_heap_size_total_bytes{app="x"}',
  ]) {
    assert.ok(samples.has(name), name);
  }
  assert.ok([...samples.keys()].every((name) => name.includes('app="x"')));
});

test("default metrics: twice in one registry is refused, wrong options too", () => {
  const registry = new Registry();
  const close = collectDefaultMetrics({ register: registry });
  try {
    assert.throws(() => collectDefaultMetrics({ register: registry }), /already been registered/);
    assert.throws(() => collectDefaultMetrics(1 as never), /config must be null, undefined, or an object/);
  } finally {
    close();
  }
});

test("default metrics: each one alone has the value that it has among all", async () => {
  const registry = new Registry();
  const close = collectDefaultMetrics({ register: registry });
  try {
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const name of [
      "nodejs_heap_size_used_bytes",
      "nodejs_heap_size_total_bytes",
      "nodejs_external_memory_bytes",
      "nodejs_heap_space_size_used_bytes",
      "nodejs_heap_space_size_available_bytes",
      "nodejs_active_resources_total",
      "nodejs_eventloop_lag_max_seconds",
    ]) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      const lines = (await registry.metrics("text", { names: [name] })).split("\n").filter((line) => /^\w/.test(line));
      const values = lines.map((line) => Number(line.slice(line.lastIndexOf(" "))));
      assert.ok(
        values.some((value) => value > 0),
        `${name}: ${lines}`,
      );
    }
  } finally {
    close();
  }
});
