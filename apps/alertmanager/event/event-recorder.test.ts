import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { ConfigUrl, EMPTY_SECRET, type HttpClientConfig, Secret, silentLogger } from "@narthex/toolkit";
import type { EventRecorderConfig, WebhookOutputConfig } from "../config/event-recorder.ts";
import { defaultHttpConfig } from "../config/http.ts";
import { HandClock } from "../testing.ts";
import type { EncodedEvent, Event } from "./event.ts";
import type { EventOutput } from "./event-output.ts";
import { EventRecorder } from "./event-recorder.ts";
import { planOutputs } from "./output-plan.ts";
import { countedIn, PLAIN } from "./testing.ts";

class FakeOutput implements EventOutput {
  readonly name: string;
  readonly got: string[] = [];
  reloads = 0;
  isClosed = false;
  /** Resolves when it may be closed. */
  mayClose: Promise<void> = Promise.resolve();

  constructor(name: string) {
    this.name = name;
  }

  send({ json }: EncodedEvent): void {
    const { data } = JSON.parse(String(json));
    this.got.push(data.alertCreated.n);
  }

  reloaded(): void {
    this.reloads++;
  }

  async close(): Promise<void> {
    await this.mayClose;
    this.isClosed = true;
  }
}

/** A recorder whose outputs are those of the files that its configuration names. */
class Recording {
  readonly registry = new Registry();
  readonly made: FakeOutput[] = [];
  readonly recorder: EventRecorder = new EventRecorder({
    clock: new HandClock(),
    logger: silentLogger,
    registry: this.registry,
    instance: "am",
    clusterPosition: () => 1,
    plan: ({ fileOutputs }) =>
      fileOutputs.map(({ path }) => ({
        name: path,
        key: path,
        make: () => {
          if (path === "bad") throw new Error("no such file");
          const output = new FakeOutput(path);
          this.made.push(output);
          return output;
        },
      })),
  });

  apply(...paths: string[]): void {
    this.recorder.apply({ ...NONE, fileOutputs: paths.map((path) => ({ path })) });
  }

  output(name: string): FakeOutput {
    return this.made.findLast((output) => output.name === name) as FakeOutput;
  }
}

const NONE: EventRecorderConfig = { fileOutputs: [], webhookOutputs: [], kafkaOutputs: [], stdoutOutputs: [] };
const event = (n: number): Event => ({ type: "alert_created", content: () => ({ n }) });
const turns = async (): Promise<void> => {
  for (let i = 0; i < 300; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("recorder: whoever records goes on at once; all outputs get everything in its order", async () => {
  const recording = new Recording();
  recording.apply("a", "b");
  for (let n = 0; n < 1000; n++) recording.recorder.record(event(n));
  assert.deepEqual(recording.output("a").got, []);
  assert.deepEqual(await countedIn(recording.registry), ["event_recorder_queue_length 1000"]);
  await turns();
  const all = Array.from({ length: 1000 }, (_, n) => n);
  for (const name of ["a", "b"]) assert.deepEqual(recording.output(name).got, all);
});

test("recorder: without outputs nothing is even looked at", async () => {
  const recording = new Recording();
  const untouchable: Event = {
    type: "notification",
    content: () => assert.fail("nobody is to be told"),
  };
  recording.recorder.record(untouchable);
  recording.apply("a");
  recording.apply();
  recording.recorder.record(untouchable);
  await turns();
  assert.deepEqual(await countedIn(recording.registry), []);
});

test("recorder: what is too much at once is dropped and counted", async () => {
  const recording = new Recording();
  recording.apply("a");
  for (let n = 0; n < 32_768 + 3; n++) recording.recorder.record(event(n));
  await turns();
  assert.equal(recording.output("a").got.length, 32_768);
  assert.deepEqual(await countedIn(recording.registry), ['events_dropped_total{event_type="alert_created"} 3']);
});

test("recorder: an event that does not fit the schema is counted, and the next one goes through", async () => {
  const recording = new Recording();
  recording.apply("a");
  recording.recorder.record({
    type: "silence_created",
    content: () => {
      throw new Error("year 10000");
    },
  });
  recording.recorder.record(event(1));
  await turns();
  assert.deepEqual(recording.output("a").got, [1]);
  assert.deepEqual(await countedIn(recording.registry), [
    'event_serialize_errors_total{event_type="silence_created"} 1',
    'events_recorded_total{event_type="silence_created",output="a",result="error"} 1',
  ]);
});

test("recorder: a reload keeps outputs that are the same, ends the others, and does not wait for them", async () => {
  const recording = new Recording();
  recording.apply("a", "b", "b");
  const [a, b1, b2] = recording.made as [FakeOutput, FakeOutput, FakeOutput];
  let letGo = (): void => {};
  b2.mayClose = new Promise((resolve) => {
    letGo = resolve;
  });
  recording.recorder.record(event(1));
  recording.apply("c", "b", "a");
  recording.recorder.record(event(2));
  await turns();
  assert.deepEqual(
    recording.made.map(({ got }) => got),
    [[1, 2], [1, 2], [1], [2]],
    "each got what was recorded in its time",
  );
  assert.deepEqual([a.reloads, b1.reloads, b2.reloads], [1, 1, 0]);
  let isClosed = false;
  const closing = recording.recorder.close().then(() => {
    isClosed = true;
  });
  await turns();
  assert.deepEqual(
    [a.isClosed, b1.isClosed, isClosed],
    [true, true, false],
    "what an output still has is waited for at the end",
  );
  letGo();
  await closing;
});

test("recorder: an output that cannot be made is left out until the next reload", async () => {
  const recording = new Recording();
  recording.apply("bad", "a");
  recording.recorder.record(event(1));
  await recording.recorder.close();
  assert.deepEqual(recording.output("a").got, [1], "and the end delivers what there is");
  recording.recorder.record(event(2));
  await turns();
  assert.deepEqual(recording.output("a").got, [1]);
});

test("output plans: outputs are the same when they do the same, secrets included", () => {
  const http = (password: string): HttpClientConfig => ({
    ...defaultHttpConfig(),
    basicAuth: {
      username: "u",
      usernameFile: "",
      password: password === "" ? EMPTY_SECRET : new Secret(password),
      passwordFile: "",
    } as HttpClientConfig["basicAuth"],
  });
  const webhook = (url: string, httpConfig?: HttpClientConfig): WebhookOutputConfig => ({
    ...PLAIN,
    url: new ConfigUrl(url),
    httpConfig,
  });
  const keys = (...webhookOutputs: WebhookOutputConfig[]): string[] =>
    planOutputs({ ...NONE, webhookOutputs }).map(({ key }) => key);
  const same = keys(webhook("http://u:a@h/", http("p")), webhook("http://u:a@h/", http("p")));
  assert.equal(new Set(same).size, 1);
  const different = keys(
    webhook("http://u:a@h/"),
    webhook("http://u:b@h/"),
    webhook("http://h/", http("p")),
    webhook("http://h/", http("q")),
  );
  assert.equal(new Set(different).size, 4);
  const mixed = planOutputs({ ...NONE, fileOutputs: [{ path: "/e" }], stdoutOutputs: [{}] });
  assert.deepEqual(
    mixed.map(({ name }) => name),
    ["file:/e", "stdout"],
  );
});
