// Discord.
import type { HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { DiscordConfig, WebhookUrlConfig } from "../../config/receivers/discord.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import {
  allResolved,
  answerOf,
  cutRunes,
  dataOf,
  expander,
  type NotifierEnvironment,
  orNone,
  readSecretFile,
  Sender,
} from "./common.ts";

const MAX_TITLE_RUNES = 256;
const MAX_DESCRIPTION_RUNES = 4096;
const MAX_CONTENT_RUNES = 2000;
const COLOR = { firing: 0x992d22, resolved: 0x2ecc71 } as const;

export class DiscordNotifier implements Notifier {
  readonly #config: DiscordConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: DiscordConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    const expand = expander(this.#environment, data);
    const embed = {
      title: cutRunes(expand(config.title), MAX_TITLE_RUNES),
      description: cutRunes(expand(config.message), MAX_DESCRIPTION_RUNES),
      color: allResolved(data) ? COLOR.resolved : COLOR.firing,
    };
    const body = {
      content: cutRunes(expand(config.content), MAX_CONTENT_RUNES),
      embeds: [embed],
      username: orNone(config.username),
      avatar_url: orNone(config.avatarUrl),
    };
    return answerOf(await this.#sender.postJson(webhookUrl(config), body, delivery));
  }

  close(): void {
    this.#sender.close();
  }
}

/** The address, out of its file where it stands in one. */
export function webhookUrl({ webhookUrl, webhookUrlFile }: WebhookUrlConfig): string {
  return webhookUrl === undefined ? readSecretFile(webhookUrlFile, "read webhook_url_file: ") : webhookUrl.reveal();
}
