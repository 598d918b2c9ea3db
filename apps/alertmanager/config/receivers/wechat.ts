// `wechat_configs`.
import { type ConfigUrl, type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { httpUrl } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import {
  commonKeys,
  type HttpNotifierConfig,
  inheritHttp,
  named,
  type ReceiverKind,
  refuseBoth,
  type Writable,
} from "./common.ts";
import { withSlash } from "./opsgenie.ts";

const { filePath, secret, text } = yamlCodec;

export interface WechatConfig extends HttpNotifierConfig {
  readonly apiSecret: Secret;
  readonly apiSecretFile: string;
  readonly corpId: string;
  readonly message: string;
  readonly apiUrl: ConfigUrl | undefined;
  readonly toUser: string;
  readonly toParty: string;
  readonly toTag: string;
  readonly agentId: string;
  /** "text" or "markdown". */
  readonly messageType: string;
}

const TYPES = "^(text|markdown)$";

export const wechat: ReceiverKind<WechatConfig> = {
  name: "wechat",
  codec: struct<WechatConfig>(
    "config.plain",
    keysOf<WechatConfig>({
      ...commonKeys(false),
      api_secret: secret,
      api_secret_file: filePath(),
      corp_id: text,
      message: preset(text, named("wechat.default.message")),
      api_url: httpUrl,
      to_user: preset(text, named("wechat.default.to_user")),
      to_party: preset(text, named("wechat.default.to_party")),
      to_tag: preset(text, named("wechat.default.to_tag")),
      agent_id: preset(text, named("wechat.default.agent_id")),
      message_type: text,
    }),
    { check: checkWechat },
  ),
  inherit(config, global, reader) {
    const invalid = (message: string): void => reader.invalid(reader.place(config), message);
    inheritHttp(config, global);
    config.apiUrl = withSlash(config.apiUrl ?? global.wechatApiUrl);
    if (config.apiUrl === undefined) invalid("no global Wechat URL set");
    if (config.apiSecret.isEmpty && config.apiSecretFile === "") {
      config.apiSecret = global.wechatApiSecret;
      config.apiSecretFile = global.wechatApiSecretFile;
      if (config.apiSecret.isEmpty && config.apiSecretFile === "")
        invalid("no global Wechat Api Secret set either inline or in a file");
    }
    config.corpId ||= global.wechatApiCorpId;
    if (config.corpId === "") invalid("no global Wechat CorpID set");
  },
};

function checkWechat(config: Writable<WechatConfig>, reader: YamlReader): void {
  config.messageType ||= "text";
  if (!new RegExp(TYPES).test(config.messageType)) {
    const message = `weChat message type ${JSON.stringify(config.messageType)} does not match valid options ${TYPES}`;
    reader.invalid(reader.place(config, "message_type"), message);
  }
  refuseBoth(
    config,
    reader,
    ["api_secret", !config.apiSecret.isEmpty],
    ["api_secret_file", config.apiSecretFile !== ""],
  );
}
