// `pushover_configs`.
import { type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { goTime } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind, refuseBoth } from "./common.ts";

const { bool, filePath, secret, text } = yamlCodec;

export interface PushoverConfig extends HttpNotifierConfig {
  readonly userKey: Secret;
  readonly userKeyFile: string;
  readonly token: Secret;
  readonly tokenFile: string;
  readonly title: string;
  readonly message: string;
  readonly url: string;
  readonly urlTitle: string;
  readonly device: string;
  readonly sound: string;
  readonly priority: string;
  /** Milliseconds, all three. */
  readonly retry: number;
  readonly expire: number;
  readonly ttl: number;
  readonly html: boolean;
  readonly monospace: boolean;
}

export const pushover: ReceiverKind<PushoverConfig> = {
  name: "pushover",
  nullItem: "missing pushover config",
  codec: struct<PushoverConfig>(
    "pushover.plain",
    keysOf<PushoverConfig>({
      ...commonKeys(true),
      user_key: secret,
      user_key_file: filePath(),
      token: secret,
      token_file: filePath(),
      title: preset(text, named("pushover.default.title")),
      message: preset(text, named("pushover.default.message")),
      url: preset(text, named("pushover.default.url")),
      url_title: text,
      device: text,
      sound: text,
      priority: preset(text, '{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'),
      retry: preset(goTime, 60_000),
      expire: preset(goTime, 3_600_000),
      ttl: goTime,
      html: bool,
      monospace: bool,
    }),
    { check: checkPushover },
  ),
  inherit: inheritHttp,
};

function checkPushover(config: PushoverConfig, reader: YamlReader): void {
  const invalid = (message: string): void => reader.invalid(reader.place(config), message);
  const { userKey, userKeyFile, token, tokenFile } = config;
  if (userKey.isEmpty && userKeyFile === "") invalid("one of user_key or user_key_file must be configured");
  refuseBoth(config, reader, ["user_key", !userKey.isEmpty], ["user_key_file", userKeyFile !== ""]);
  if (token.isEmpty && tokenFile === "") invalid("one of token or token_file must be configured");
  refuseBoth(config, reader, ["token", !token.isEmpty], ["token_file", tokenFile !== ""]);
  if (config.html && config.monospace) invalid("at most one of monospace & html must be configured");
}
