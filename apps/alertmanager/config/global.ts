// `global`: what receivers inherit.
import {
  type Codec,
  ConfigUrl,
  type HttpClientConfig,
  initialOf,
  type Secret,
  type StructShape,
  struct,
  type TlsConfig,
  tlsClientConfig,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import { httpUrl, secretUrl } from "./codecs.ts";
import { hostPort } from "./host-port.ts";
import { defaultHttpConfig, httpConfig } from "./http.ts";
import { type KeySpec, keysOf, preset } from "./keys.ts";

const { bool, duration, filePath, optional, secret, text } = yamlCodec;

export interface GlobalConfig {
  /** Milliseconds after which an alert that nobody repeats is over. */
  readonly resolveTimeout: number;
  readonly httpConfig: HttpClientConfig | undefined;
  readonly jiraApiUrl: ConfigUrl | undefined;
  readonly smtpFrom: string;
  readonly smtpHello: string;
  /** `host:port`; "" for none. */
  readonly smtpSmarthost: string;
  readonly smtpAuthUsername: string;
  readonly smtpAuthPassword: Secret;
  readonly smtpAuthPasswordFile: string;
  readonly smtpAuthSecret: Secret;
  readonly smtpAuthSecretFile: string;
  readonly smtpAuthIdentity: string;
  readonly smtpRequireTls: boolean;
  readonly smtpTlsConfig: TlsConfig | undefined;
  readonly smtpForceImplicitTls: boolean | undefined;
  readonly slackApiUrl: ConfigUrl | undefined;
  readonly slackApiUrlFile: string;
  readonly slackAppToken: Secret;
  readonly slackAppTokenFile: string;
  readonly slackAppUrl: ConfigUrl | undefined;
  readonly pagerdutyUrl: ConfigUrl | undefined;
  readonly opsgenieApiUrl: ConfigUrl | undefined;
  readonly opsgenieApiKey: Secret;
  readonly opsgenieApiKeyFile: string;
  readonly wechatApiUrl: ConfigUrl | undefined;
  readonly wechatApiSecret: Secret;
  readonly wechatApiSecretFile: string;
  readonly wechatApiCorpId: string;
  readonly victoropsApiUrl: ConfigUrl | undefined;
  readonly victoropsApiKey: Secret;
  readonly victoropsApiKeyFile: string;
  readonly telegramApiUrl: ConfigUrl | undefined;
  readonly telegramBotToken: Secret;
  readonly telegramBotTokenFile: string;
  readonly webexApiUrl: ConfigUrl | undefined;
  readonly rocketchatApiUrl: ConfigUrl | undefined;
  readonly rocketchatToken: Secret | undefined;
  readonly rocketchatTokenFile: string;
  readonly rocketchatTokenId: Secret | undefined;
  readonly rocketchatTokenIdFile: string;
  readonly mattermostWebhookUrl: ConfigUrl | undefined;
  readonly mattermostWebhookUrlFile: string;
}

const RESOLVE_TIMEOUT_MS = 5 * 60 * 1000;

function service(address: string): KeySpec {
  return preset(httpUrl, new ConfigUrl(address));
}

export const globalConfig: Codec<GlobalConfig> & StructShape = struct<GlobalConfig>(
  "config.plain",
  keysOf<GlobalConfig>({
    resolve_timeout: preset(duration, RESOLVE_TIMEOUT_MS, true),
    http_config: preset(optional(httpConfig), defaultHttpConfig()),
    jira_api_url: httpUrl,
    smtp_from: text,
    smtp_hello: preset(text, "localhost"),
    smtp_smarthost: hostPort,
    smtp_auth_username: text,
    smtp_auth_password: secret,
    smtp_auth_password_file: filePath(),
    smtp_auth_secret: secret,
    smtp_auth_secret_file: filePath(),
    smtp_auth_identity: text,
    smtp_require_tls: preset(bool, true, true),
    smtp_tls_config: preset(optional(tlsClientConfig), tlsClientConfig.zero()),
    smtp_force_implicit_tls: optional(bool),
    slack_api_url: secretUrl,
    slack_api_url_file: filePath(),
    slack_app_token: secret,
    slack_app_token_file: filePath(),
    slack_app_url: service("https://slack.com/api/chat.postMessage"),
    pagerduty_url: service("https://events.pagerduty.com/v2/enqueue"),
    opsgenie_api_url: service("https://api.opsgenie.com/"),
    opsgenie_api_key: secret,
    opsgenie_api_key_file: filePath(),
    wechat_api_url: service("https://qyapi.weixin.qq.com/cgi-bin/"),
    wechat_api_secret: secret,
    wechat_api_secret_file: filePath(),
    wechat_api_corp_id: text,
    victorops_api_url: service("https://alert.victorops.com/integrations/generic/20131114/alert/"),
    victorops_api_key: secret,
    victorops_api_key_file: filePath(),
    telegram_api_url: service("https://api.telegram.org"),
    telegram_bot_token: secret,
    telegram_bot_token_file: filePath(),
    webex_api_url: service("https://webexapis.com/v1/messages"),
    rocketchat_api_url: service("https://open.rocket.chat/"),
    rocketchat_token: optional(secret),
    rocketchat_token_file: filePath(),
    rocketchat_token_id: optional(secret),
    rocketchat_token_id_file: filePath(),
    mattermost_webhook_url: secretUrl,
    mattermost_webhook_url_file: filePath(),
  }),
);

/** Keys of which only one of each pair may be given. */
const PAIRS: readonly (readonly [keyof GlobalConfig, string, keyof GlobalConfig, string])[] = [
  ["slackAppToken", "slack_app_token", "slackAppTokenFile", "slack_app_token_file"],
  ["slackApiUrl", "slack_api_url", "slackApiUrlFile", "slack_api_url_file"],
  ["opsgenieApiKey", "opsgenie_api_key", "opsgenieApiKeyFile", "opsgenie_api_key_file"],
  ["victoropsApiKey", "victorops_api_key", "victoropsApiKeyFile", "victorops_api_key_file"],
  ["telegramBotToken", "telegram_bot_token", "telegramBotTokenFile", "telegram_bot_token_file"],
  ["smtpAuthPassword", "smtp_auth_password", "smtpAuthPasswordFile", "smtp_auth_password_file"],
  ["rocketchatToken", "rocketchat_token", "rocketchatTokenFile", "rocketchat_token_file"],
  ["rocketchatTokenId", "rocketchat_token_id", "rocketchatTokenIdFile", "rocketchat_token_id_file"],
  ["smtpAuthSecret", "smtp_auth_secret", "smtpAuthSecretFile", "smtp_auth_secret_file"],
  ["wechatApiSecret", "wechat_api_secret", "wechatApiSecretFile", "wechat_api_secret_file"],
  ["mattermostWebhookUrl", "mattermost_webhook_url", "mattermostWebhookUrlFile", "mattermost_webhook_url_file"],
];

/** What the global section alone can get wrong. */
export function checkGlobal(global: GlobalConfig, reader: YamlReader): void {
  for (const [name, key, fileName, fileKey] of PAIRS) {
    if (isGiven(global[name]) && isGiven(global[fileName]))
      reader.invalid(reader.place(global, fileKey), `at most one of ${key} & ${fileKey} must be configured`);
  }
  const hasToken = isGiven(global.slackAppToken) || global.slackAppTokenFile !== "";
  const hasUrl = global.slackApiUrl !== undefined || global.slackApiUrlFile !== "";
  // Some have the app's URL there, from the time before tokens had keys of their own.
  if (hasToken && hasUrl && global.slackApiUrl?.reveal() !== global.slackAppUrl?.reveal()) {
    const message =
      "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured";
    reader.invalid(reader.place(global, "slack_api_url"), message);
  }
}

function isGiven(value: unknown): boolean {
  if (typeof value === "object" && value !== null && "isEmpty" in value) return value.isEmpty === false;
  return value !== undefined && value !== "";
}

/** The section that was not written. */
export function defaultGlobal(): GlobalConfig {
  return initialOf(globalConfig);
}
