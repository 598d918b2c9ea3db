// Amazon SNS: to topics, phones and other targets.
import {
  ApiClient,
  AwsCredentialSource,
  type AwsCredentials,
  awsError,
  domainOf,
  type HttpClientConfig,
  signedHeaders,
} from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { SnsConfig } from "../../config/receivers/sns.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import { NotifyError, reasonOfStatus } from "../reason.ts";
import { answerOf, dataOf, type Expand, expander, explained, type NotifierEnvironment, Sender } from "./common.ts";

const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_SMS_BYTES = 1600;
const FORM = "application/x-www-form-urlencoded";

/** The reference's words. */
const NO_REGION = "region not configured in sns.sigv4.region or in default credentials chain";

/** Who signs, and where. */
interface Keys {
  readonly region: string;
  readonly credentials: AwsCredentials;
}

export class SnsNotifier implements Notifier {
  readonly #config: SnsConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;
  /** Asks for keys. */
  readonly #client: ApiClient;
  readonly #source: AwsCredentialSource;

  /** `variables` are the process's: keys are looked for there, and in files that they name. */
  constructor(
    config: SnsConfig,
    environment: NotifierEnvironment,
    variables: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    const http = config.httpConfig as HttpClientConfig;
    const { sigv4 } = config;
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(http, environment.clock);
    this.#client = new ApiClient(forKeys(http), { environment: variables });
    this.#source = new AwsCredentialSource(
      { ...sigv4, secretKey: sigv4.secretKey.reveal() },
      {
        environment: variables,
        client: this.#client,
        now: () => environment.clock.now(),
        program: "alertmanager",
      },
    );
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const expand = expander(this.#environment, dataOf(this.#environment, delivery, alerts));
    const keys = await this.#keys(delivery);
    const usual = `https://sns.${keys.region}.${domainOf(keys.region)}/`;
    const url = new URL(named("api_url", () => expand(this.#config.apiUrl)) || usual);
    return this.#publish(url, this.#parameters(delivery, expand), keys, delivery);
  }

  close(): void {
    this.#sender.close();
    this.#client.close();
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

  /** Whatever is in the way may be gone at the next attempt. */
  async #keys({ signal }: Delivery): Promise<Keys> {
    const orRetry = (error: Error, message: string): never => {
      throw new NotifyError(message, { retry: true, cause: error });
    };
    const region = await this.#source
      .region(this.#config.sigv4.region, signal)
      .catch((error: Error) => orRetry(error, NO_REGION));
    const credentials = await this.#source
      .credentials(region, signal)
      .catch((error: Error) => orRetry(error, error.message));
    return { region, credentials };
  }

  async #publish(url: URL, parameters: URLSearchParams, keys: Keys, delivery: Delivery): Promise<Answer> {
    // Two characters are written differently by browsers and by Go: to AWS either is right.
    const body = parameters.toString().replaceAll("*", "%2A").replaceAll("%7E", "~");
    const request = { method: "POST", url, headers: { "Content-Type": FORM }, body };
    const scope = { region: keys.region, service: "sns", now: this.#environment.clock.now() };
    const headers = signedHeaders(request, keys.credentials, scope);
    const answer = await this.#sender.exchange(url.href, body, delivery, { contentType: FORM, headers });
    const { status, text } = answer;
    if (status >= 200 && status < 300) return answerOf(answer);
    // Keys that are not liked any more are looked for anew the next time.
    if (status === 403) this.#source.forget();
    const details = awsError(text)?.message ?? "";
    throw new NotifyError(`unexpected status code ${status}${details === "" ? "" : `: ${details}`}`, {
      retry: status >= 500,
      reason: reasonOfStatus(status),
    });
  }
}

/** How keys and roles are asked for: by the receiver's proxy and certificates, without what the receiver is to be told. */
function forKeys(http: HttpClientConfig): HttpClientConfig {
  return { ...http, basicAuth: undefined, authorization: undefined, oauth2: undefined, httpHeaders: undefined };
}

function named<T>(key: string, run: () => T): T {
  return explained(`execute '${key}' template`, run, { retry: true, reason: "clientError" });
}
