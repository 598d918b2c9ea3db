// `mattermost_configs`.
import { type Field, struct, yamlCodec } from "@narthex/toolkit";
import { secretUrl } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import { commonKeys, inheritHttp, named, type ReceiverKind } from "./common.ts";
import { refuseWebhookUrlAndFile, type WebhookUrlConfig } from "./discord.ts";

const { bool, filePath, list, optional, text } = yamlCodec;

export interface MattermostField {
  readonly title: string;
  readonly value: string;
  readonly short: boolean | undefined;
}

/** What one coloured box shows. */
export interface MattermostAttachment {
  readonly fallback: string;
  readonly color: string;
  readonly pretext: string;
  readonly text: string;
  readonly authorName: string;
  readonly authorLink: string;
  readonly authorIcon: string;
  readonly title: string;
  readonly titleLink: string;
  readonly fields: readonly MattermostField[];
  readonly thumbUrl: string;
  readonly footer: string;
  readonly footerIcon: string;
  readonly imageUrl: string;
}

export interface MattermostPriority {
  readonly priority: string;
  readonly requestedAck: boolean;
  readonly persistentNotifications: boolean;
}

export interface MattermostProps {
  readonly card: string;
}

export interface MattermostConfig extends WebhookUrlConfig, MattermostAttachment {
  readonly channel: string;
  readonly username: string;
  readonly iconUrl: string;
  readonly iconEmoji: string;
  /** The older way; the keys of a single one now stand among the others. */
  readonly attachments: readonly MattermostAttachment[];
  readonly type: string;
  readonly props: MattermostProps | undefined;
  readonly priority: MattermostPriority | undefined;
}

const mattermostField = struct<MattermostField>(
  "mattermost.plain",
  keysOf<MattermostField>({ title: text, value: text, short: optional(bool) }),
  {
    check(field, reader) {
      if (field.title === "") reader.invalid(reader.place(field), "missing title in Mattermost field configuration");
      else if (field.value === "")
        reader.invalid(reader.place(field), "missing value in Mattermost field configuration");
    },
  },
);

const attachment = struct<MattermostAttachment>(
  "mattermost.MattermostAttachment",
  keysOf<MattermostAttachment>({
    fallback: text,
    color: text,
    pretext: text,
    text,
    author_name: text,
    author_link: text,
    author_icon: text,
    title: text,
    title_link: text,
    fields: list(mattermostField),
    thumb_url: text,
    footer: text,
    footer_icon: text,
    image_url: text,
  }),
);

const keys: Field[] = keysOf<MattermostConfig>({
  ...commonKeys(true),
  webhook_url: secretUrl,
  webhook_url_file: filePath(),
  channel: text,
  username: preset(text, named("mattermost.default.username")),
  text: preset(text, named("mattermost.default.text")),
  fallback: preset(text, named("mattermost.default.fallback")),
  color: preset(text, named("mattermost.default.color")),
  pretext: text,
  author_name: text,
  author_link: text,
  author_icon: text,
  title: preset(text, named("mattermost.default.title")),
  title_link: preset(text, named("mattermost.default.titlelink")),
  fields: list(mattermostField),
  thumb_url: text,
  footer: text,
  footer_icon: text,
  image_url: text,
  icon_url: text,
  icon_emoji: text,
  attachments: list(attachment),
  type: text,
  props: optional(struct<MattermostProps>("mattermost.MattermostProps", keysOf<MattermostProps>({ card: text }))),
  priority: optional(
    struct<MattermostPriority>(
      "mattermost.MattermostPriority",
      keysOf<MattermostPriority>({ priority: text, requested_ack: bool, persistent_notifications: bool }),
    ),
  ),
});

export const mattermost: ReceiverKind<MattermostConfig> = {
  name: "mattermost",
  nullItem: "missing mattermost config",
  codec: struct<MattermostConfig>("mattermost.plain", keys, { check: refuseWebhookUrlAndFile }),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    if (config.webhookUrl !== undefined || config.webhookUrlFile !== "") return;
    config.webhookUrl = global.mattermostWebhookUrl;
    config.webhookUrlFile = global.mattermostWebhookUrlFile;
    if (config.webhookUrl === undefined && config.webhookUrlFile === "")
      reader.invalid(reader.place(config), "missing webhook_url or webhook_url_file on mattermost_config");
  },
};
