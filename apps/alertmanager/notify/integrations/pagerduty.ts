// PagerDuty: events of the newer interface (routing keys) and of the older one (service keys).
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { PagerdutyConfig } from "../../config/receivers/pagerduty.ts";
import { goJson } from "../../template/go-json.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import {
  allResolved,
  answerOf,
  cutRunes,
  dataOf,
  type Expand,
  expander,
  explained,
  type NotifierEnvironment,
  orNone,
  readSecretFile,
  Sender,
  type SendOptions,
} from "./common.ts";
import { expandTree } from "./template-tree.ts";

const MAX_EVENT_BYTES = 512_000;
const MAX_SUMMARY_RUNES = 1024;
const OLD_URL = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
const TOO_LARGE = {
  error: "Custom details have been removed because the original event exceeds the maximum size of 512KB",
};

export class PagerdutyNotifier implements Notifier {
  readonly #config: PagerdutyConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: PagerdutyConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const { serviceKey, serviceKeyFile, details, timeout, url } = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    const expand = expander(this.#environment, data);
    const rendered = explained(
      "failed to render details",
      () => new Map([...details].map(([key, value]) => [key, expandTree(value, expand)])),
    );
    const action = allResolved(data) ? "resolve" : "trigger";
    const isOld = !serviceKey.isEmpty || serviceKeyFile !== "";
    const options: SendOptions = {
      timeoutMs: timeout,
      timeoutName: "pagerduty",
      contentType: "application/json",
      retryStatuses: [isOld ? 403 : 429],
      details: errorDetails,
    };
    const event = explained(`failed to template PagerDuty ${isOld ? "v1" : "v2"} message`, () =>
      isOld ? this.#oldEvent(delivery, action, expand, rendered) : this.#event(delivery, action, expand, rendered),
    );
    const address = isOld ? OLD_URL : (url as ConfigUrl).reveal();
    return answerOf(await this.#sender.send(address, encoded(event, isOld), delivery, options));
  }

  close(): void {
    this.#sender.close();
  }

  #event(delivery: Delivery, action: string, expand: Expand, details: Map<string, unknown>): Record<string, unknown> {
    const config = this.#config;
    const key = config.routingKey.isEmpty
      ? readSecretFile(config.routingKeyFile, "failed to read routing key from file: ")
      : config.routingKey.reveal();
    const routingKey = expand(key);
    if (routingKey === "") throw new NotifyError("routing key cannot be empty");
    const images = config.images
      .map(({ src, alt, href }) => ({ src: expand(src), alt: expand(alt), href: expand(href) }))
      .filter(({ src }) => src !== "");
    const links = config.links
      .map(({ href, text }) => ({ href: expand(href), text: expand(text) }))
      .filter(({ href }) => href !== "");
    return {
      routing_key: routingKey,
      dedup_key: keyHash(delivery.groupKey),
      event_action: action,
      payload: {
        summary: cutRunes(expand(config.description), MAX_SUMMARY_RUNES),
        source: expand(config.source),
        severity: expand(config.severity || "error"),
        class: orNone(expand(config.class)),
        component: orNone(expand(config.component)),
        group: orNone(expand(config.group)),
        custom_details: details,
      },
      client: orNone(expand(config.client)),
      client_url: orNone(expand(config.clientUrl)),
      images: orNone(images),
      links: orNone(links),
    };
  }

  #oldEvent(
    delivery: Delivery,
    action: string,
    expand: Expand,
    details: Map<string, unknown>,
  ): Record<string, unknown> {
    const config = this.#config;
    const key = config.serviceKey.isEmpty
      ? readSecretFile(config.serviceKeyFile, "failed to read service key from file: ")
      : config.serviceKey.reveal();
    const serviceKey = expand(key);
    if (serviceKey === "") throw new NotifyError("service key cannot be empty");
    return {
      service_key: serviceKey,
      incident_key: keyHash(delivery.groupKey),
      event_type: action,
      description: orNone(cutRunes(expand(config.description), MAX_SUMMARY_RUNES)),
      event_action: "",
      payload: null,
      client: action === "trigger" ? orNone(expand(config.client)) : undefined,
      client_url: action === "trigger" ? orNone(expand(config.clientUrl)) : undefined,
      details,
    };
  }
}

/** Details go when the whole would be too large. */
function encoded(event: Record<string, unknown>, isOld: boolean): string {
  const text = `${goJson(event)}\n`;
  if (Buffer.byteLength(text) <= MAX_EVENT_BYTES) return text;
  if (isOld) return `${goJson({ ...event, details: TOO_LARGE })}\n`;
  return `${goJson({ ...event, payload: { ...(event["payload"] as object), custom_details: TOO_LARGE } })}\n`;
}

function errorDetails(status: number, text: string): string {
  if (status !== 400) return "";
  try {
    const { message = "", errors = [] } = JSON.parse(text) as { message?: string; errors?: string[] };
    return `${message}: ${errors.join(",")}`;
  } catch {
    return "";
  }
}
