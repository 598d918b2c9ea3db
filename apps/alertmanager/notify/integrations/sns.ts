// Amazon SNS: to topics, phones and other targets.
import type { HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { SnsConfig } from "../../config/receivers/sns.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import { NotifyError, reasonOfStatus } from "../reason.ts";
import { awsCredentials, awsRegion } from "./aws-credentials.ts";
import { answerOf, dataOf, type Expand, expander, type NotifierEnvironment, Sender } from "./common.ts";
import { type AwsCredentials, signedHeaders } from "./sigv4.ts";

const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_SMS_BYTES = 1600;
const FORM = "application/x-www-form-urlencoded";
const ROLE_SECONDS = 900;

interface Role {
  readonly credentials: AwsCredentials;
  readonly expiresMs: number;
}

export class SnsNotifier implements Notifier {
  readonly #config: SnsConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;
  #role: Role | undefined;

  constructor(config: SnsConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const expand = expander(this.#environment, dataOf(this.#environment, delivery, alerts));
    const region = orRetry(() => awsRegion(this.#config.sigv4, process.env));
    const credentials = await this.#credentials(region, delivery);
    const address = named("api_url", () => expand(this.#config.apiUrl)) || `https://sns.${region}.amazonaws.com/`;
    const url = new URL(address).href;
    return this.#call(url, this.#parameters(delivery, expand), credentials, region, "sns", delivery);
  }

  close(): void {
    this.#sender.close();
  }

  #parameters(delivery: Delivery, expand: Expand): URLSearchParams {
    const config = this.#config;
    const parameters = new URLSearchParams({ Action: "Publish", Version: "2010-03-31" });
    if (config.topicArn !== "") {
      const topic = named("topic_arn", () => expand(config.topicArn));
      parameters.set("TopicArn", topic);
      // What comes twice within five minutes is dropped there.
      if (topic.endsWith(".fifo"))
        for (const name of ["MessageDeduplicationId", "MessageGroupId"])
          parameters.set(name, keyHash(delivery.groupKey));
    }
    if (config.phoneNumber !== "")
      parameters.set(
        "PhoneNumber",
        named("phone_number", () => expand(config.phoneNumber)),
      );
    if (config.targetArn !== "")
      parameters.set(
        "TargetArn",
        named("target_arn", () => expand(config.targetArn)),
      );
    const message = Buffer.from(named("message", () => expand(config.message)));
    const limit = config.phoneNumber === "" ? MAX_MESSAGE_BYTES : MAX_SMS_BYTES;
    const attributes = new Map(
      [...config.attributes].map(([name, value]) => named("attributes", () => [expand(name), expand(value)] as const)),
    );
    if (message.length > limit) attributes.set("truncated", "true");
    parameters.set("Message", message.subarray(0, limit).toString("utf8"));
    [...attributes].forEach(([name, value], i) => {
      const entry = `MessageAttributes.entry.${i + 1}`;
      parameters.set(`${entry}.Name`, name);
      parameters.set(`${entry}.Value.DataType`, "String");
      parameters.set(`${entry}.Value.StringValue`, value);
    });
    if (config.subject !== "")
      parameters.set(
        "Subject",
        named("subject", () => expand(config.subject)),
      );
    parameters.sort();
    return parameters;
  }

  async #credentials(region: string, delivery: Delivery): Promise<AwsCredentials> {
    const { sigv4 } = this.#config;
    const own = orRetry(() => awsCredentials(sigv4, process.env));
    if (sigv4.roleArn === "") return own;
    const now = this.#environment.clock.now();
    if (this.#role !== undefined && now < this.#role.expiresMs) return this.#role.credentials;
    const parameters = new URLSearchParams({
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: sigv4.roleArn,
      RoleSessionName: `alertmanager-${Math.trunc(now)}`,
      DurationSeconds: String(ROLE_SECONDS),
      ...(sigv4.externalId === "" ? {} : { ExternalId: sigv4.externalId }),
    });
    const { text } = await this.#call(`https://sts.${region}.amazonaws.com/`, parameters, own, region, "sts", delivery);
    const part = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "";
    const credentials = {
      accessKey: part("AccessKeyId"),
      secretKey: part("SecretAccessKey"),
      sessionToken: part("SessionToken"),
    };
    // A little before their end, they are asked for anew.
    this.#role = { credentials, expiresMs: now + (ROLE_SECONDS - 60) * 1000 };
    return credentials;
  }

  async #call(
    url: string,
    parameters: URLSearchParams,
    credentials: AwsCredentials,
    region: string,
    service: string,
    delivery: Delivery,
  ): Promise<Answer> {
    // Two characters are written differently by browsers and by Go: to AWS either is right.
    const body = parameters.toString().replaceAll("*", "%2A").replaceAll("%7E", "~");
    const now = new Date(this.#environment.clock.now());
    const headers = signedHeaders({ url, body, contentType: FORM }, credentials, region, service, now);
    const answer = await this.#sender.exchange(url, body, delivery, { contentType: FORM, headers });
    const { status, text } = answer;
    if (status >= 200 && status < 300) return answerOf(answer);
    const details = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? "";
    throw new NotifyError(`unexpected status code ${status}${details === "" ? "" : `: ${details}`}`, {
      retry: status >= 500,
      reason: reasonOfStatus(status),
    });
  }
}

function named<T>(key: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const message = `execute '${key}' template: ${(error as Error).message}`;
    throw new NotifyError(message, { retry: true, reason: "clientError", cause: error });
  }
}

function orRetry<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new NotifyError((error as Error).message, { retry: true, cause: error });
  }
}
