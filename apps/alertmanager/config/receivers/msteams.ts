// `msteams_configs` (connector cards) and `msteamsv2_configs` (adaptive cards).
import { type HttpClientConfig, struct, yamlCodec } from "@narthex/toolkit";
import { secretUrl } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import { commonKeys, inheritHttp, named, type ReceiverKind } from "./common.ts";
import { checkWebhookUrl, type WebhookUrlConfig } from "./discord.ts";

const { filePath, text } = yamlCodec;

export interface MsteamsConfig extends WebhookUrlConfig {
  readonly title: string;
  readonly summary: string;
  readonly text: string;
}

export type MsteamsV2Config = Omit<MsteamsConfig, "summary">;

export const msteams: ReceiverKind<MsteamsConfig> = {
  name: "msteams",
  nullItem: "missing msteams config",
  codec: struct<MsteamsConfig>(
    "msteams.plain",
    keysOf<MsteamsConfig>({
      ...commonKeys(true),
      webhook_url: secretUrl,
      webhook_url_file: filePath(),
      title: preset(text, named("msteams.default.title")),
      summary: preset(text, named("msteams.default.summary")),
      text: preset(text, named("msteams.default.text")),
    }),
    { check: checkWebhookUrl },
  ),
  inherit: inheritHttp,
};

export const msteamsV2: ReceiverKind<MsteamsV2Config> = {
  name: "msteamsv2",
  nullItem: "missing msteamsv2 config",
  codec: struct<MsteamsV2Config>(
    "msteamsv2.plain",
    keysOf<MsteamsV2Config>({
      ...commonKeys(true),
      webhook_url: secretUrl,
      webhook_url_file: filePath(),
      title: preset(text, named("msteamsv2.default.title")),
      text: preset(text, named("msteamsv2.default.text")),
    }),
    { check: checkWebhookUrl },
  ),
  inherit(config, global) {
    const own = config.httpConfig;
    const inherited = global.httpConfig as HttpClientConfig;
    // An http_config without a proxy takes over the global one's, as the reference does for this receiver alone.
    if (own !== undefined && own.proxy.proxyUrl === undefined)
      config.httpConfig = { ...own, proxy: { ...own.proxy, proxyUrl: inherited.proxy.proxyUrl } };
    inheritHttp(config, global);
  },
};
