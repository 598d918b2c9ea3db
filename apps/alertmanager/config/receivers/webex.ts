// `webex_configs`.
import { type ConfigUrl, struct, yamlCodec } from "@narthex/toolkit";
import { httpUrl } from "../codecs.ts";
import { kept, keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind } from "./common.ts";

const { text } = yamlCodec;

export interface WebexConfig extends HttpNotifierConfig {
  readonly apiUrl: ConfigUrl | undefined;
  readonly message: string;
  readonly roomId: string;
}

export const webex: ReceiverKind<WebexConfig> = {
  name: "webex",
  nullItem: "missing webex config",
  codec: struct<WebexConfig>(
    "config.plain",
    keysOf<WebexConfig>({
      ...commonKeys(true),
      api_url: httpUrl,
      message: preset(text, named("webex.default.message")),
      room_id: kept(text),
    }),
    {
      check(config, reader) {
        if (config.roomId === "") reader.invalid(reader.place(config), "missing room_id on webex_config");
        else if (config.httpConfig?.authorization === undefined)
          reader.invalid(reader.place(config), "missing webex_configs.http_config.authorization");
      },
    },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.apiUrl ??= global.webexApiUrl;
    if (config.apiUrl === undefined) reader.invalid(reader.place(config), "no global Webex URL set");
  },
};
