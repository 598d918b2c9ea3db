// `telegram_configs`.
import { type ConfigUrl, type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { httpUrl } from "../codecs.ts";
import { kept, keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind, refuseBoth } from "./common.ts";

const { bool, filePath, int, secret, text } = yamlCodec;

export interface TelegramConfig extends HttpNotifierConfig {
  readonly apiUrl: ConfigUrl | undefined;
  readonly botToken: Secret;
  readonly botTokenFile: string;
  readonly chatId: number;
  readonly chatIdFile: string;
  readonly messageThreadId: number;
  readonly message: string;
  readonly disableNotifications: boolean;
  readonly parseMode: string;
}

const PARSE_MODES = ["", "Markdown", "MarkdownV2", "HTML"];

export const telegram: ReceiverKind<TelegramConfig> = {
  name: "telegram",
  nullItem: "missing telegram config",
  codec: struct<TelegramConfig>(
    "telegram.plain",
    keysOf<TelegramConfig>({
      ...commonKeys(true),
      api_url: kept(httpUrl),
      bot_token: secret,
      bot_token_file: filePath(),
      chat_id: int,
      chat_id_file: filePath(),
      message_thread_id: int,
      message: preset(text, named("telegram.default.message")),
      disable_notifications: bool,
      parse_mode: preset(text, "HTML"),
    }),
    { check: checkTelegram },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.apiUrl ??= global.telegramApiUrl;
    if (!config.botToken.isEmpty || config.botTokenFile !== "") return;
    config.botToken = global.telegramBotToken;
    config.botTokenFile = global.telegramBotTokenFile;
    if (config.botToken.isEmpty && config.botTokenFile === "")
      reader.invalid(reader.place(config), "missing bot_token or bot_token_file on telegram_config");
  },
};

function checkTelegram(config: TelegramConfig, reader: YamlReader): void {
  const invalid = (message: string): void => reader.invalid(reader.place(config), message);
  refuseBoth(config, reader, ["bot_token", !config.botToken.isEmpty], ["bot_token_file", config.botTokenFile !== ""]);
  if (config.chatId === 0 && config.chatIdFile === "") invalid("missing chat_id or chat_id_file on telegram_config");
  refuseBoth(config, reader, ["chat_id", config.chatId !== 0], ["chat_id_file", config.chatIdFile !== ""]);
  if (!PARSE_MODES.includes(config.parseMode))
    invalid("unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string");
}
