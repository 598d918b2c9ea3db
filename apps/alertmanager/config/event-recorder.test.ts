import assert from "node:assert/strict";
import { test } from "node:test";
import { GRAMMAR } from "../testing-rig.ts";
import { loadConfig } from "./load.ts";

const withRecorder = (block: string): string => `route: {receiver: a}
receivers: [{name: a}]
event_recorder: ${block}
`;
const load = (block: string) => loadConfig(withRecorder(block), "test.yml", GRAMMAR);

/** Block, and what is wrong with it in the reference's words. */
const WRONG = [
  ["{file_outputs: [{}]}", "event_recorder file output requires a path"],
  ["{webhook_outputs: [{}]}", "event_recorder webhook output requires a url"],
  ['{webhook_outputs: [{url: "<secret>"}]}', "event_recorder webhook output requires an absolute http(s) url"],
  ["{webhook_outputs: [{url: ftp://x}]}", 'unsupported scheme "ftp" for URL'],
  [
    "{webhook_outputs: [{url: http://x, batch: true, batch_max_events: -1}]}",
    "event_recorder webhook batch settings cannot be negative",
  ],
  [
    "{webhook_outputs: [{url: http://x, batch_flush_interval: 1s}]}",
    "event_recorder webhook batch settings require batch: true",
  ],
  ["{kafka_outputs: [{topic: t}]}", "event_recorder kafka: at least one broker is required"],
  ['{kafka_outputs: [{brokers: [""], topic: t}]}', "event_recorder kafka: broker entries must be non-empty"],
  [
    "{kafka_outputs: [{brokers: [b], topic: t, acks: x}]}",
    'event_recorder kafka: unknown acks "x", must be "none", "leader", or "all"',
  ],
  ["{kafka_outputs: [{brokers: [b], topic: t, compression: x}]}", 'event_recorder kafka: unknown compression "x"'],
  ["{kafka_outputs: [{brokers: [b]}]}", "event_recorder kafka output requires a topic"],
  [
    "{kafka_outputs: [{brokers: [b], topic: t, format: x}]}",
    'event_recorder kafka: unknown format "x", must be "json" or "protobuf"',
  ],
  ["{stdout_outputs: [{path: x}]}", "field path not found in type eventrecorder.StdoutOutputConfig"],
  ["{outputs: []}", "field outputs not found in type eventrecorder.Config"],
] as const;

for (const [block, message] of WRONG)
  test(`event_recorder: ${block}`, () => {
    assert.throws(
      () => load(block),
      (error: Error) => error.message.includes(message) || assert.fail(error.message),
    );
  });

test("event_recorder: shows itself without addresses that may be secret, and without what was not written", () => {
  const block = `
  file_outputs: [{path: /var/log/events.jsonl}]
  stdout_outputs: [{}]
  webhook_outputs: [{url: "http://u:p@h/secret", batch: true, retry_backoff: 1s}]
  kafka_outputs: [{brokers: [b], topic: t}]`;
  const { yaml, eventRecorder } = load(block);
  assert.equal(
    yaml.slice(yaml.indexOf("event_recorder")),
    `event_recorder:
  file_outputs:
  - path: /var/log/events.jsonl
  webhook_outputs:
  - url: <secret>
    retry_backoff: 1s
    batch: true
  kafka_outputs:
  - brokers:
    - b
    topic: t
    format: json
  stdout_outputs:
  - {}
`,
  );
  assert.equal(eventRecorder?.webhookOutputs[0]?.url.reveal(), "http://u:p@h/secret");
});
