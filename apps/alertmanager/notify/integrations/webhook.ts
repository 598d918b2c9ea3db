// Webhooks: the notification as JSON.
import type { HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { WebhookConfig } from "../../config/receivers/webhook.ts";
import { dataToJson } from "../../template/data.ts";
import { goJson } from "../../template/go-json.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import { answerOf, dataOf, expander, explained, type NotifierEnvironment, readSecretFile, Sender } from "./common.ts";
import { expandTree } from "./template-tree.ts";

export class WebhookNotifier implements Notifier {
  readonly #config: WebhookConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: WebhookConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const { url, urlFile, maxAlerts, timeout, payload } = this.#config;
    const told = maxAlerts > 0 ? alerts.slice(0, maxAlerts) : alerts;
    const data = dataOf(this.#environment, delivery, told);
    const expand = expander(this.#environment, data);
    const body =
      payload === undefined
        ? {
            ...dataToJson(data),
            version: "4",
            groupKey: delivery.groupKey,
            truncatedAlerts: alerts.length - told.length,
          }
        : explained("failed to render custom payload", () => expandTree(payload, expand));
    const address = explained("failed to template webhook URL", () =>
      expand(url.isEmpty ? readSecretFile(urlFile, "read url_file: ") : url.reveal()),
    );
    if (address === "") throw new NotifyError("webhook URL is empty after templating");
    const options = { timeoutMs: timeout, timeoutName: "webhook", contentType: "application/json" };
    return answerOf(await this.#sender.send(address, `${goJson(body)}\n`, delivery, options));
  }

  close(): void {
    this.#sender.close();
  }
}
