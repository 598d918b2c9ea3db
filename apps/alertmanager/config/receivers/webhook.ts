// `webhook_configs`: JSON posted to a URL.
import { type Secret, struct, yamlCodec } from "@narthex/toolkit";
import { goTime, secretTemplateUrl } from "../codecs.ts";
import { kept, keysOf } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, type ReceiverKind, refuseBoth } from "./common.ts";

const { anything, filePath, uint } = yamlCodec;

export interface WebhookConfig extends HttpNotifierConfig {
  /** A template. */
  readonly url: Secret;
  readonly urlFile: string;
  /** 0 for all. */
  readonly maxAlerts: number;
  /** Milliseconds; 0 for none but the flush's. */
  readonly timeout: number;
  /** A tree whose texts are templates, in place of the usual body; undefined for that. */
  readonly payload: unknown;
}

export const webhook: ReceiverKind<WebhookConfig> = {
  name: "webhook",
  nullItem: "missing webhook config",
  codec: struct<WebhookConfig>(
    "webhook.plain",
    keysOf<WebhookConfig>({
      ...commonKeys(true),
      url: secretTemplateUrl,
      url_file: kept(filePath()),
      max_alerts: kept(uint),
      timeout: kept(goTime),
      payload: anything,
    }),
    {
      check(config, reader) {
        if (config.url.isEmpty && config.urlFile === "")
          reader.invalid(reader.place(config), "one of url or url_file must be configured");
        refuseBoth(config, reader, ["url", !config.url.isEmpty], ["url_file", config.urlFile !== ""]);
      },
    },
  ),
  inherit: inheritHttp,
};
