import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Registry as CoreRegistry } from "@narthex/client";
import { type MetricObject, Registry } from "@narthex/client/compat";
import { callerOf } from "./caller.ts";
import { clearTraceFunction, createTracer, Hypertrace, HypertracePrometheus, setTraceFunction } from "./index.ts";

let running: HypertracePrometheus | undefined;

function start(options: Parameters<typeof HypertracePrometheus>[0]): HypertracePrometheus {
  running = HypertracePrometheus({ collectDefaults: false, ...options });
  setTraceFunction(running);
  return running;
}

afterEach(async () => {
  clearTraceFunction();
  await running?.stop();
});

class Child {
  readonly tracer;

  constructor(parent?: Parent) {
    this.tracer = createTracer(this, { parent: parent?.tracer ?? null, props: { "foo-bar": "own", hidden: 1 } });
  }

  work(): void {
    this.tracer.trace("here", { "foo-bar": 42 });
  }
}

class Parent {
  readonly tracer = createTracer(this, { props: { "foo-bar": "parents" } });
}

async function samples(adapter: HypertracePrometheus): Promise<string[]> {
  return (await adapter.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("hypertrace: calls are counted by object, parent, caller and the props that are allowed", async () => {
  const adapter = start({ allowedProps: ["foo-bar"], omitLabels: ["caller_filename"] });
  const child = new Child(new Parent());
  child.work();
  child.work();
  assert.deepEqual(await samples(adapter), [
    'trace_counter{id="here",object_classname="Child",object_id="1",parent_object_classname="Parent",' +
      'parent_object_id="1",caller_functionname="work",object_props_foo_bar="own",' +
      'parent_object_props_foo_bar="parents",caller_props_foo_bar="42"} 2',
  ]);
});

test("hypertrace: a core registry does as well; the older name is an alias", async () => {
  const register = new CoreRegistry();
  const adapter = start({
    register,
    legacyName: "function_counter",
    omitLabels: ["caller_filename", "object_id", "id", "parent_object_classname", "parent_object_id"],
  });
  new Child().work();
  new Child().work();
  assert.deepEqual(await samples(adapter), [
    'function_counter{caller_functionname="work",object_classname="Child"} 2',
    'trace_counter{caller_functionname="work",object_classname="Child"} 2',
  ]);
  await adapter.stop();
  assert.equal(await register.metrics(), "");
});

test("hypertrace: objects without end count in one series", async () => {
  const adapter = start({ maxSeries: 2, omitLabels: ["caller_filename", "caller_functionname", "id"] });
  for (let i = 0; i < 5; i++) new Child().work();
  const lines = await samples(adapter);
  assert.equal(lines.length, 3);
  assert.match(lines[2] as string, /object_classname="__overflow__".*\} 3$/);
});

test("hypertrace: nothing leaks; a second adapter works, and a second stop does nothing", async () => {
  const first = HypertracePrometheus({ collectDefaults: false });
  const second = HypertracePrometheus({ collectDefaults: false });
  assert.equal(
    await second.metrics(),
    "# HELP trace_counter Counts how many times a function has been traced\n# TYPE trace_counter counter\n",
  );
  await first.stop();
  await first.stop();
  await second.stop();
  const register = new Registry();
  const third = HypertracePrometheus({ register });
  assert.match(await register.metrics(), /process_cpu_user_seconds_total/);
  await third.stop();
  assert.equal(register.getSingleMetric("trace_counter"), undefined);
});

test("hypertrace: stopped, it leaves nothing in a registry and another may start there", async () => {
  for (const register of [new Registry(), new CoreRegistry()]) {
    for (let i = 0; i < 2; i++) {
      const adapter = HypertracePrometheus({ register });
      assert.match(await register.metrics(), /^process_cpu_user_seconds_total /m);
      // A second one is refused, and takes nothing away from the first.
      assert.throws(() => HypertracePrometheus({ register, metricName: "other" }), /already been registered/);
      await adapter.stop();
      assert.equal((await register.metrics()).trim(), "");
    }
  }
});

test("hypertrace: stopped, it watches nothing any more", async () => {
  setFlagsFromString("--expose-gc");
  const collections = async (metric: { get(): Promise<MetricObject> | MetricObject }): Promise<number> => {
    runInNewContext("gc")();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return (
      (await metric.get()).values?.find(
        ({ metricName, labels }) => metricName?.endsWith("_count") === true && labels?.["kind"] === "major",
      )?.value ?? 0
    );
  };
  const register = new Registry();
  const adapter = HypertracePrometheus({ register });
  const pauses = register.getSingleMetric("nodejs_gc_duration_seconds");
  assert.ok(pauses !== undefined);
  const before = await collections(pauses);
  assert.ok(before > 0);
  await adapter.stop();
  assert.equal(await collections(pauses), before);
});

test("hypertrace: a port that is taken is told, and does not end the process", async () => {
  const taken = createServer().listen(0);
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const error = await new Promise<Error>((resolve) => start({ port, onError: resolve }));
  assert.match(error.message, /EADDRINUSE/);
  await running?.stop();
  const warned = once(process, "warning");
  start({ port });
  assert.match(String(await warned), /EADDRINUSE/);
  await new Promise((resolve) => taken.close(resolve));
});

test("hypertrace: the server has metrics at their path only, and ends with its idle connections", async () => {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const adapter = start({ port });
  const url = `http://127.0.0.1:${port}`;
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(await response.text(), /^# HELP trace_counter /);
  assert.equal((await fetch(`${url}/`)).status, 404);
  await adapter.stop();
  await assert.rejects(fetch(`${url}/metrics`), TypeError);
});

test("hypertrace: without a trace function nothing is traced, and nothing is counted later either", async () => {
  const child = new Child();
  assert.equal(child.tracer.enabled, false);
  const adapter = start({});
  child.work();
  assert.deepEqual(await samples(adapter), []);
  assert.throws(() => createTracer(undefined as never), /Context required, see hypertrace documentation/);
});

test("hypertrace: the class of earlier versions takes props as they are", async () => {
  const adapter = start({ allowedProps: ["custom"], omitLabels: ["object_id", "caller_filename"] });
  class Old {
    readonly hypertrace = new Hypertrace(this, { custom: "x" });
    run(): void {
      this.hypertrace.trace({ custom: "y" });
    }
  }
  new Old().run();
  assert.deepEqual(await samples(adapter), [
    'trace_counter{object_classname="Old",caller_functionname="run",object_props_custom="x",caller_props_custom="y"} 1',
  ]);
});

test("caller: frames of all kinds are understood, and none throws", () => {
  const place = (line: string) => Object.values(callerOf(`Error\n${line}`, 1, "Foo"));
  assert.deepEqual(place("    at Foo.bar (/a/b.js:1:2)"), ["bar", "/a/b.js", 1, 2]);
  assert.deepEqual(place("    at async Foo.bar (file:///a%20b.js:1:2)"), ["bar", "/a b.js", 1, 2]);
  assert.deepEqual(place("    at Other.bar (C:\\x\\b.js:10:20)"), ["Other.bar", "C:\\x\\b.js", 10, 20]);
  assert.deepEqual(place("    at Foo.bar [as baz] (file:///C:/b.js:1:2)"), ["baz", "C:/b.js", 1, 2]);
  assert.deepEqual(place("    at new Foo (/a.js:1:2)"), ["Foo", "/a.js", 1, 2]);
  assert.deepEqual(place("    at /a/b.js:3:4"), ["<anonymous>", "/a/b.js", 3, 4]);
  assert.deepEqual(place("    at Array.map (<anonymous>)"), ["Array.map", "<anonymous>", 0, 0]);
  assert.deepEqual(place("what?"), ["<anonymous>", "", 0, 0]);
  assert.deepEqual(Object.values(callerOf("", 3, "Foo")), ["<anonymous>", "", 0, 0]);
});
