// Microsoft Teams: connector cards of the old webhooks, adaptive cards of the new ones.
import type { HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { MsteamsConfig, MsteamsV2Config } from "../../config/receivers/msteams.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { allResolved, answerOf, dataOf, type Expand, expander, type NotifierEnvironment, Sender } from "./common.ts";
import { webhookUrl } from "./discord.ts";

/** What both kinds share: the address, and that one card is posted to it. */
class CardNotifier<C extends MsteamsV2Config> implements Notifier {
  readonly #config: C;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;
  readonly #card: (config: C, expand: Expand, isResolved: boolean) => object;

  constructor(
    config: C,
    environment: NotifierEnvironment,
    card: (config: C, expand: Expand, isResolved: boolean) => object,
  ) {
    this.#config = config;
    this.#environment = environment;
    this.#card = card;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const data = dataOf(this.#environment, delivery, alerts);
    const card = this.#card(this.#config, expander(this.#environment, data), allResolved(data));
    return answerOf(await this.#sender.postJson(webhookUrl(this.#config), card, delivery));
  }

  close(): void {
    this.#sender.close();
  }
}

export function msteamsNotifier(config: MsteamsConfig, environment: NotifierEnvironment): Notifier {
  return new CardNotifier(config, environment, ({ title, summary, text }, expand, isResolved) => ({
    "@context": "http://schema.org/extensions",
    type: "MessageCard",
    title: expand(title),
    summary: expand(summary),
    text: expand(text),
    themeColor: isResolved ? "2DC72D" : "8C1A1A",
  }));
}

export function msteamsV2Notifier(config: MsteamsV2Config, environment: NotifierEnvironment): Notifier {
  return new CardNotifier(config, environment, ({ title, text }, expand, isResolved) => ({
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.2",
          body: [
            {
              type: "TextBlock",
              text: expand(title),
              weight: "Bolder",
              size: "Medium",
              wrap: true,
              style: "heading",
              color: isResolved ? "Good" : "Attention",
            },
            { type: "TextBlock", text: expand(text), wrap: true },
          ],
          msteams: { width: "full" },
        },
      },
    ],
  }));
}
