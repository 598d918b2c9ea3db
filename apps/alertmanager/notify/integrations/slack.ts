// Slack: incoming webhooks, and the app's interface, where a message can be changed later.
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { SlackAction, SlackConfig } from "../../config/receivers/slack.ts";
import type { Answer, Delivery, DeliveryData, Notifier } from "../delivery.ts";
import type { HttpAnswer } from "../http-client.ts";
import { NotifyError } from "../reason.ts";
import {
  answerOf,
  cutRunes,
  dataOf,
  type Expand,
  lenientExpander,
  type NotifierEnvironment,
  orNone,
  readSecretFile,
  Sender,
} from "./common.ts";

const MAX_TITLE_RUNES = 1024;
const UPDATE_URL = "https://slack.com/api/chat.update";
const MARKDOWN_IN = ["fallback", "pretext", "text"];

export class SlackNotifier implements Notifier {
  readonly #config: SlackConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: SlackConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    const expand = lenientExpander(this.#environment, dataOf(this.#environment, delivery, alerts));
    // In the reference's order, which is seen where a template fails.
    const attachment = this.#attachment(expand);
    const request: Record<string, unknown> = {
      channel: orNone(expand(config.channel)),
      ts: undefined,
      username: orNone(expand(config.username)),
      icon_emoji: orNone(expand(config.iconEmoji)),
      icon_url: orNone(expand(config.iconUrl)),
      link_names: orNone(config.linkNames),
      text: orNone(expand(config.messageText)),
      attachments: [attachment],
    };
    let url = this.#url();
    const { threadTs, channelId } = known(delivery.data);
    if (config.updateMessage && threadTs !== "" && channelId !== "") {
      url = UPDATE_URL;
      request["ts"] = threadTs;
      request["channel"] = channelId;
    }
    const prefix = `channel ${JSON.stringify(request["channel"] ?? "")}: `;
    const options = { timeoutMs: config.timeout, timeoutName: "slack", messagePrefix: prefix };
    const answer = await this.#sender.postJson(url, request, delivery, options);
    this.#judge(answer, prefix, config.updateMessage ? delivery.data : undefined);
    return answerOf(answer);
  }

  close(): void {
    this.#sender.close();
  }

  #url(): string {
    const { apiUrl, apiUrlFile } = this.#config;
    return apiUrl === undefined ? readSecretFile(apiUrlFile, "") : (apiUrl as ConfigUrl).reveal();
  }

  #attachment(expand: Expand): object {
    const config = this.#config;
    const texts = {
      title: orNone(cutRunes(expand(config.title), MAX_TITLE_RUNES)),
      title_link: orNone(expand(config.titleLink)),
      pretext: orNone(expand(config.pretext)),
      text: expand(config.text),
      fallback: expand(config.fallback),
      callback_id: expand(config.callbackId),
    };
    const looks = {
      image_url: orNone(expand(config.imageUrl)),
      thumb_url: orNone(expand(config.thumbUrl)),
      footer: expand(config.footer),
      color: orNone(expand(config.color)),
    };
    const fields = config.fields.map(({ title, value, short }) => ({
      title: orNone(expand(title)),
      value: orNone(expand(value)),
      short: short ?? config.shortFields,
    }));
    const actions = config.actions.map((action) => actionOf(action, expand));
    return {
      ...texts,
      fields: orNone(fields),
      actions: orNone(actions),
      ...looks,
      mrkdwn_in: config.mrkdwnIn.length === 0 ? MARKDOWN_IN : config.mrkdwnIn,
    };
  }

  /** Slack answers 200 to what it refuses, too. */
  #judge(answer: HttpAnswer, prefix: string, data: DeliveryData | undefined): void {
    const { contentType, text } = answer;
    const fail = (message: string, retry = false): never => {
      throw new NotifyError(prefix + message, { retry, reason: "clientError" });
    };
    if (!contentType.startsWith("application/json")) {
      if (text !== "ok") fail(`received an error response from Slack: ${text}`);
      return;
    }
    let said: { ok?: unknown; error?: unknown; channel?: unknown; ts?: unknown };
    try {
      said = JSON.parse(text) as typeof said;
    } catch (error) {
      said = fail(`could not unmarshal JSON response ${JSON.stringify(text)}: ${(error as Error).message}`, true);
    }
    if (said.ok !== true) fail(`error response from Slack: ${String(said.error ?? "")}`);
    if (data === undefined || typeof said.ts !== "string" || typeof said.channel !== "string") return;
    data.set("threadTs", said.ts);
    data.set("channelId", said.channel);
  }
}

function known(data: DeliveryData): { threadTs: string; channelId: string } {
  const text = (key: string): string => {
    const value = data.get(key);
    return typeof value === "string" ? value : "";
  };
  return { threadTs: text("threadTs"), channelId: text("channelId") };
}

function actionOf(action: SlackAction, expand: Expand): object {
  const { confirm } = action;
  return {
    type: orNone(expand(action.type)),
    text: orNone(expand(action.text)),
    url: orNone(expand(action.url)),
    style: orNone(expand(action.style)),
    name: orNone(expand(action.name)),
    value: orNone(expand(action.value)),
    confirm:
      confirm === undefined
        ? undefined
        : {
            text: orNone(expand(confirm.text)),
            title: orNone(expand(confirm.title)),
            ok_text: orNone(expand(confirm.okText)),
            dismiss_text: orNone(expand(confirm.dismissText)),
          },
  };
}
