// Mattermost, by its incoming webhooks.
import type { HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { MattermostAttachment, MattermostConfig } from "../../config/receivers/mattermost.ts";
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
  Sender,
} from "./common.ts";
import { webhookUrl } from "./discord.ts";

const MAX_TEXT_RUNES = 16_383;

export class MattermostNotifier implements Notifier {
  readonly #config: MattermostConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: MattermostConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    const url = webhookUrl(config);
    if (url === "") throw new NotifyError("webhook url missing");
    const expand = expander(this.#environment, dataOf(this.#environment, delivery, alerts));
    const channel = expand(config.channel);
    // Without the older list, the keys of the one attachment stand among the others, its text too.
    const hasList = config.attachments.length > 0;
    const body = {
      text: hasList ? orNone(cutRunes(expand(config.text), MAX_TEXT_RUNES)) : undefined,
      channel: orNone(channel),
      username: orNone(expand(config.username)),
      icon_url: orNone(expand(config.iconUrl)),
      icon_emoji: orNone(expand(config.iconEmoji)),
      attachments: (hasList ? config.attachments : [config]).map((each) => attachmentOf(each, expand)),
      type: orNone(expand(config.type)),
      props: this.#props(expand),
      priority: this.#priority(expand),
    };
    const options = { messagePrefix: `channel ${JSON.stringify(channel)}: ` };
    return answerOf(await this.#sender.postJson(url, body, delivery, options));
  }

  close(): void {
    this.#sender.close();
  }

  #props(expand: Expand): object | undefined {
    const card = this.#config.props?.card ?? "";
    return card === "" ? undefined : { card: orNone(expand(card)) };
  }

  /** Acknowledgement may be asked for from "important" on, and repetition only of what is urgent. */
  #priority(expand: Expand): object | undefined {
    const written = this.#config.priority;
    if (written === undefined || written.priority === "") return undefined;
    const asked = expand(written.priority).toLowerCase();
    const priority = ["urgent", "important"].includes(asked) ? asked : "standard";
    return {
      priority,
      requested_ack: orNone(written.requestedAck && priority !== "standard"),
      persistent_notifications: orNone(written.persistentNotifications && priority === "urgent"),
    };
  }
}

function attachmentOf(attachment: MattermostAttachment, expand: Expand): object {
  return {
    fallback: orNone(expand(attachment.fallback)),
    color: orNone(expand(attachment.color)),
    pretext: orNone(expand(attachment.pretext)),
    text: orNone(expand(attachment.text)),
    author_name: orNone(expand(attachment.authorName)),
    author_link: orNone(expand(attachment.authorLink)),
    author_icon: orNone(expand(attachment.authorIcon)),
    title: orNone(expand(attachment.title)),
    title_link: orNone(expand(attachment.titleLink)),
    fields: orNone(
      attachment.fields.map(({ title, value, short }) => ({
        title: orNone(expand(title)),
        value: orNone(expand(value)),
        short,
      })),
    ),
    thumb_url: orNone(expand(attachment.thumbUrl)),
    footer: orNone(expand(attachment.footer)),
    footer_icon: orNone(expand(attachment.footerIcon)),
    image_url: orNone(expand(attachment.imageUrl)),
  };
}
