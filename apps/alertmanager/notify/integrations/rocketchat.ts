// Rocket.Chat.
import type { ConfigUrl, HttpClientConfig, Secret } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { RocketchatConfig } from "../../config/receivers/rocketchat.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import {
  answerOf,
  cutRunes,
  dataOf,
  type Expand,
  expander,
  type NotifierEnvironment,
  orNone,
  readSecretFile,
  Sender,
} from "./common.ts";

const MAX_TITLE_RUNES = 1024;

export class RocketchatNotifier implements Notifier {
  readonly #config: RocketchatConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: RocketchatConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    const expand = expander(this.#environment, dataOf(this.#environment, delivery, alerts));
    const channel = expand(config.channel);
    const body = {
      channel: orNone(channel),
      emoji: orNone(expand(config.emoji)),
      avatar: orNone(expand(config.iconUrl)),
      attachments: [this.#attachment(expand)],
    };
    const prefix = `channel ${JSON.stringify(channel)}: `;
    const url = `${(config.apiUrl as ConfigUrl).reveal().replace(/\/+$/, "")}/api/v1/chat.postMessage`;
    const headers = {
      "X-Auth-Token": secretOf(config.token, config.tokenFile),
      "X-User-Id": secretOf(config.tokenId, config.tokenIdFile),
    };
    const answer = await this.#sender.postJson(url, body, delivery, { headers, messagePrefix: prefix });
    judge(answer.text, prefix);
    return answerOf(answer);
  }

  close(): void {
    this.#sender.close();
  }

  #attachment(expand: Expand): object {
    const config = this.#config;
    return {
      title: orNone(cutRunes(expand(config.title), MAX_TITLE_RUNES)),
      title_link: orNone(expand(config.titleLink)),
      text: orNone(expand(config.text)),
      image_url: orNone(expand(config.imageUrl)),
      thumb_url: orNone(expand(config.thumbUrl)),
      color: orNone(expand(config.color)),
      fields: orNone(
        config.fields.map(({ title, value, short }) => ({
          short: short ?? config.shortFields,
          title: orNone(expand(title)),
          value: orNone(expand(value)),
        })),
      ),
      // Buttons are all that its interface knows.
      actions: orNone(
        config.actions.map(({ text, url, msg }) => ({
          type: "button",
          text: orNone(expand(text)),
          url: orNone(expand(url)),
          is_webview: false,
          msg: orNone(expand(msg)),
          msg_in_chat_window: false,
        })),
      ),
    };
  }
}

function secretOf(secret: Secret | undefined, file: string): string {
  return file === "" ? (secret?.reveal() ?? "") : readSecretFile(file, `could not read ${file}: `);
}

/** Refusals come with status 200, too. */
function judge(text: string, prefix: string): void {
  let said: { success?: unknown; error?: unknown };
  try {
    said = JSON.parse(text) as typeof said;
  } catch (error) {
    const message = `could not unmarshal JSON response ${JSON.stringify(text)}: ${(error as Error).message}`;
    throw new NotifyError(prefix + message, { retry: true, reason: "clientError" });
  }
  if (said.success !== true)
    throw new NotifyError(`${prefix}error response from Rocketchat: ${String(said.error ?? "")}`, {
      reason: "clientError",
    });
}
