// Pushover.
import type { HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { PushoverConfig } from "../../config/receivers/pushover.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import {
  answerOf,
  cutRunes,
  dataOf,
  expander,
  htmlExpander,
  type NotifierEnvironment,
  readSecretFile,
  Sender,
} from "./common.ts";

const API_URL = "https://api.pushover.net/1/messages.json";
const MAX_TITLE_RUNES = 250;
const MAX_MESSAGE_RUNES = 1024;
const MAX_URL_RUNES = 512;

export class PushoverNotifier implements Notifier {
  readonly #config: PushoverConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;
  readonly #apiUrl: string;

  /** `apiUrl` is another one in tests. */
  constructor(config: PushoverConfig, environment: NotifierEnvironment, apiUrl: string = API_URL) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
    this.#apiUrl = apiUrl;
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const url = `${this.#apiUrl}?${this.#parameters(delivery, alerts)}`;
    return answerOf(await this.#sender.send(url, undefined, delivery, { contentType: "text/plain" }));
  }

  close(): void {
    this.#sender.close();
  }

  /** Sorted by name, as Go encodes them. */
  #parameters(delivery: Delivery, alerts: readonly Alert[]): string {
    const config = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    const expand = expander(this.#environment, data);
    const expandMessage = config.html ? htmlExpander(this.#environment, data) : expand;
    const token = config.token.isEmpty
      ? readSecretFile(config.tokenFile, "read token_file: ", false)
      : config.token.reveal();
    const user = config.userKey.isEmpty
      ? readSecretFile(config.userKeyFile, "read user_key_file: ", false)
      : config.userKey.reveal();
    const seconds = (ms: number): string => String(Math.trunc(ms / 1000));
    const parameters = new URLSearchParams({
      token: expand(token),
      user: expand(user),
      title: cutRunes(expand(config.title), MAX_TITLE_RUNES),
      // An empty message would be refused.
      message: cutRunes(expandMessage(config.message), MAX_MESSAGE_RUNES).trim() || "(no details)",
      url: cutRunes(expand(config.url), MAX_URL_RUNES),
      url_title: expand(config.urlTitle),
      priority: expand(config.priority),
      retry: seconds(config.retry),
      expire: seconds(config.expire),
      device: expand(config.device),
      sound: expand(config.sound),
      ...(config.html ? { html: "1" } : {}),
      ...(config.monospace ? { monospace: "1" } : {}),
      ...(config.ttl >= 1000 ? { ttl: seconds(config.ttl) } : {}),
    });
    parameters.sort();
    return parameters.toString();
  }
}
