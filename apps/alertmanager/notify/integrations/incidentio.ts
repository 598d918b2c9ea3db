// incident.io: a webhook with a token and a limit.
import { type ConfigUrl, type HttpClientConfig, Secret } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { IncidentioConfig } from "../../config/receivers/incidentio.ts";
import { dataToJson } from "../../template/data.ts";
import { goJson } from "../../template/go-json.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { answerOf, dataOf, type NotifierEnvironment, readSecretFile, Sender } from "./common.ts";

const MAX_BODY_BYTES = 512 * 1024;

export class IncidentioNotifier implements Notifier {
  readonly #config: IncidentioConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: IncidentioConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(withToken(config), environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const { url, urlFile, maxAlerts, timeout } = this.#config;
    const told = maxAlerts > 0 ? alerts.slice(0, maxAlerts) : alerts;
    const data = dataOf(this.#environment, delivery, told);
    const message = {
      ...dataToJson(data),
      version: "1",
      groupKey: delivery.groupKey,
      truncatedAlerts: alerts.length - told.length,
    };
    let body = `${goJson(message)}\n`;
    // One alert of the group opens the incident; the others would be nice to have.
    if (Buffer.byteLength(body) > MAX_BODY_BYTES) body = `${goJson({ ...message, alerts: data.Alerts.slice(0, 1) })}\n`;
    const address = url === undefined ? readSecretFile(urlFile, "read url_file: ") : (url as ConfigUrl).reveal();
    const options = {
      contentType: "application/json",
      timeoutMs: timeout,
      timeoutName: "incident.io",
      retryStatuses: [429],
      details: errorDetails,
    };
    return answerOf(await this.#sender.send(address, body, delivery, options));
  }

  close(): void {
    this.#sender.close();
  }
}

/** The token stands in for whatever authorization there is. Throws when its file cannot be read. */
function withToken({ httpConfig, alertSourceToken, alertSourceTokenFile }: IncidentioConfig): HttpClientConfig {
  const http = httpConfig as HttpClientConfig;
  const token =
    alertSourceTokenFile === ""
      ? alertSourceToken.reveal()
      : readSecretFile(alertSourceTokenFile, "failed to read alert_source_token_file: ");
  if (token === "") return http;
  return { ...http, authorization: { type: "Bearer", credentials: new Secret(token), credentialsFile: "" } };
}

function errorDetails(_status: number, text: string): string {
  try {
    const {
      message = "",
      error = "",
      errors = [],
    } = JSON.parse(text) as { message?: string; error?: string; errors?: string[] };
    return [message, error, errors.join(", ")].filter((part) => part !== "").join(": ");
  } catch {
    return "";
  }
}
