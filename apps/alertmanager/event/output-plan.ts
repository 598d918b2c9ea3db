// From the configuration to the outputs that it asks for.
import { ConfigUrl, Secret } from "@narthex/toolkit";
import type { EventRecorderConfig, WebhookOutputConfig } from "../config/event-recorder.ts";
import type { EventOutput, OutputEnvironment } from "./event-output.ts";
import { FileSink } from "./file-sink.ts";
import { LineOutput } from "./line-output.ts";
import { stdoutSink } from "./stdout-sink.ts";
import { WebhookOutput, webhookName } from "./webhook-output.ts";

/** An output before it is made. */
export interface OutputPlan {
  readonly name: string;
  /** Outputs with the same key do the same. Has secrets in it: not to be shown. */
  readonly key: string;
  /** May throw. */
  make(environment: OutputEnvironment): EventOutput;
}

/** Without Kafka's, which are not there. */
export function planOutputs(config: EventRecorderConfig): readonly OutputPlan[] {
  return [
    ...config.fileOutputs.map(({ path }) => filePlan(path)),
    ...config.webhookOutputs.map(webhookPlan),
    ...config.stdoutOutputs.map(() => STDOUT),
  ];
}

function filePlan(path: string): OutputPlan {
  const name = `file:${path}`;
  return { name, key: name, make: (environment) => new LineOutput(name, new FileSink(path), environment) };
}

const STDOUT: OutputPlan = {
  name: "stdout",
  key: "stdout",
  make: (environment) => new LineOutput("stdout", stdoutSink(environment.clock), environment),
};

function webhookPlan(config: WebhookOutputConfig): OutputPlan {
  return {
    name: webhookName(config.url.reveal()),
    key: `webhook:${JSON.stringify(config, revealed)}`,
    make: (environment) => new WebhookOutput(config, environment),
  };
}

/** Secrets show themselves as a mask, by which an old password looks like a new one. */
function revealed(this: unknown, name: string, value: unknown): unknown {
  const raw = (this as Readonly<Record<string, unknown>>)[name];
  if (raw instanceof Secret || raw instanceof ConfigUrl) return raw.reveal();
  return raw instanceof Map ? [...raw] : value;
}
