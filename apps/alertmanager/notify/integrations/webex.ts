// Webex.
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { WebexConfig } from "../../config/receivers/webex.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { answerOf, cutBytes, dataOf, expander, type NotifierEnvironment, orNone, Sender } from "./common.ts";

const MAX_MESSAGE_BYTES = 7439;

export class WebexNotifier implements Notifier {
  readonly #config: WebexConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: WebexConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const { apiUrl, message, roomId } = this.#config;
    const expand = expander(this.#environment, dataOf(this.#environment, delivery, alerts));
    const body = { markdown: cutBytes(expand(message), MAX_MESSAGE_BYTES), roomId: orNone(expand(roomId)) };
    return answerOf(await this.#sender.postJson((apiUrl as ConfigUrl).reveal(), body, delivery));
  }

  close(): void {
    this.#sender.close();
  }
}
