// `discord_configs`, and what all receivers with a `webhook_url` share.
import { type ConfigUrl, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { secretUrl } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind, refuseBoth } from "./common.ts";

const { filePath, text } = yamlCodec;

/** One that is reached at a secret address. */
export interface WebhookUrlConfig extends HttpNotifierConfig {
  readonly webhookUrl: ConfigUrl | undefined;
  readonly webhookUrlFile: string;
}

export interface DiscordConfig extends WebhookUrlConfig {
  readonly content: string;
  readonly title: string;
  readonly message: string;
  readonly username: string;
  readonly avatarUrl: string;
}

/** Exactly one of address and file. */
export function checkWebhookUrl(config: WebhookUrlConfig, reader: YamlReader): void {
  if (config.webhookUrl === undefined && config.webhookUrlFile === "")
    reader.invalid(reader.place(config), "one of webhook_url or webhook_url_file must be configured");
  refuseWebhookUrlAndFile(config, reader);
}

/** At most one of address and file. */
export function refuseWebhookUrlAndFile(config: WebhookUrlConfig, reader: YamlReader): void {
  const { webhookUrl, webhookUrlFile } = config;
  refuseBoth(config, reader, ["webhook_url", webhookUrl !== undefined], ["webhook_url_file", webhookUrlFile !== ""]);
}

export const discord: ReceiverKind<DiscordConfig> = {
  name: "discord",
  nullItem: "missing discord config",
  codec: struct<DiscordConfig>(
    "discord.plain",
    keysOf<DiscordConfig>({
      ...commonKeys(true),
      webhook_url: secretUrl,
      webhook_url_file: filePath(),
      content: text,
      title: preset(text, named("discord.default.title")),
      message: preset(text, named("discord.default.message")),
      username: text,
      avatar_url: text,
    }),
    { check: checkWebhookUrl },
  ),
  inherit: inheritHttp,
};
