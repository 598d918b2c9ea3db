// `slack_configs`.
import {
  type ConfigUrl,
  type HttpClientConfig,
  type Secret,
  struct,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import { goTime, httpUrl, secretUrl } from "../codecs.ts";
import { kept, keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, named, type ReceiverKind, type Writable } from "./common.ts";

const { bool, filePath, list, optional, secret, text } = yamlCodec;

export interface SlackField {
  readonly title: string;
  readonly value: string;
  readonly short: boolean | undefined;
}

export interface SlackConfirm {
  readonly text: string;
  readonly title: string;
  readonly okText: string;
  readonly dismissText: string;
}

export interface SlackAction {
  readonly type: string;
  readonly text: string;
  readonly url: string;
  readonly style: string;
  readonly name: string;
  readonly value: string;
  readonly confirm: SlackConfirm | undefined;
}

export interface SlackConfig extends HttpNotifierConfig {
  readonly apiUrl: ConfigUrl | undefined;
  readonly apiUrlFile: string;
  readonly appToken: Secret;
  readonly appTokenFile: string;
  readonly appUrl: ConfigUrl | undefined;
  readonly channel: string;
  readonly username: string;
  readonly color: string;
  readonly title: string;
  readonly titleLink: string;
  readonly pretext: string;
  readonly text: string;
  readonly messageText: string;
  readonly fields: readonly SlackField[];
  readonly shortFields: boolean;
  readonly footer: string;
  readonly fallback: string;
  readonly callbackId: string;
  readonly iconEmoji: string;
  readonly iconUrl: string;
  readonly imageUrl: string;
  readonly thumbUrl: string;
  readonly linkNames: boolean;
  readonly mrkdwnIn: readonly string[];
  readonly actions: readonly SlackAction[];
  readonly updateMessage: boolean;
  /** Milliseconds; 0 for none. */
  readonly timeout: number;
}

const slackField = struct<SlackField>(
  "config.plain",
  keysOf<SlackField>({ title: text, value: text, short: optional(bool) }),
  {
    check(field, reader) {
      if (field.title === "") reader.invalid(reader.place(field), "missing title in Slack field configuration");
      else if (field.value === "") reader.invalid(reader.place(field), "missing value in Slack field configuration");
    },
  },
);

const confirm = struct<SlackConfirm>(
  "config.plain",
  keysOf<SlackConfirm>({ text, title: text, ok_text: text, dismiss_text: text }),
  {
    check(value, reader) {
      if (value.text === "") reader.invalid(reader.place(value), "missing text in Slack confirmation configuration");
    },
  },
);

const slackAction = struct<SlackAction>(
  "config.plain",
  keysOf<SlackAction>({
    type: text,
    text,
    url: text,
    style: text,
    name: text,
    value: text,
    confirm: optional(confirm),
  }),
  {
    check(action: Writable<SlackAction>, reader) {
      const invalid = (message: string): void => reader.invalid(reader.place(action), message);
      if (action.type === "") invalid("missing type in Slack action configuration");
      else if (action.text === "") invalid("missing text in Slack action configuration");
      else if (action.url === "" && action.name === "") invalid("missing name or url in Slack action configuration");
      else if (action.url !== "") Object.assign(action, { name: "", value: "", confirm: undefined });
    },
  },
);

const APP_URL = "https://slack.com/api/chat.postMessage";

export const slack: ReceiverKind<SlackConfig> = {
  name: "slack",
  codec: struct<SlackConfig>(
    "config.plain",
    keysOf<SlackConfig>({
      ...commonKeys(false),
      api_url: secretUrl,
      api_url_file: filePath(),
      app_token: secret,
      app_token_file: filePath(),
      app_url: httpUrl,
      channel: text,
      username: preset(text, named("slack.default.username")),
      color: preset(text, named("slack.default.color")),
      title: preset(text, named("slack.default.title")),
      title_link: preset(text, named("slack.default.titlelink")),
      pretext: preset(text, named("slack.default.pretext")),
      text: preset(text, named("slack.default.text")),
      message_text: text,
      fields: list(slackField),
      short_fields: kept(bool),
      footer: preset(text, named("slack.default.footer")),
      fallback: preset(text, named("slack.default.fallback")),
      callback_id: preset(text, named("slack.default.callbackid")),
      icon_emoji: preset(text, named("slack.default.iconemoji")),
      icon_url: preset(text, named("slack.default.iconurl")),
      image_url: text,
      thumb_url: text,
      link_names: kept(bool),
      mrkdwn_in: list(text),
      actions: list(slackAction),
      update_message: kept(bool),
      timeout: kept(goTime),
    }),
    { check: checkSlack },
  ),
  inherit(config, global, reader) {
    const invalid = (message: string): void => reader.invalid(reader.place(config), message);
    config.appUrl ??= global.slackAppUrl;
    if (config.appUrl === undefined) invalid("no global Slack App URL set");
    if (!hasToken(config) && config.httpConfig?.authorization === undefined && config.apiUrl === undefined) {
      config.appToken = global.slackAppToken;
      config.appTokenFile = global.slackAppTokenFile;
    }
    if (!hasUrl(config)) {
      config.apiUrl = global.slackApiUrl;
      config.apiUrlFile = global.slackApiUrlFile;
    }
    if (!hasUrl(config) && !hasToken(config)) invalid("no Slack API URL nor App token set either inline or in a file");
    const http: Writable<HttpClientConfig> = { ...((config.httpConfig ?? global.httpConfig) as HttpClientConfig) };
    config.httpConfig = http;
    if (!hasToken(config)) return;
    if (http.authorization !== undefined) invalid("http authorization can't be set when using Slack App tokens");
    http.authorization = { type: "Bearer", credentials: config.appToken, credentialsFile: config.appTokenFile };
    config.apiUrl = config.appUrl;
  },
};

function checkSlack(config: SlackConfig, reader: YamlReader): void {
  const invalid = (key: string, message: string): void => reader.invalid(reader.place(config, key), message);
  if (config.apiUrl !== undefined && config.apiUrlFile !== "")
    invalid("api_url_file", "at most one of api_url & api_url_file must be configured");
  else if (!config.appToken.isEmpty && config.appTokenFile !== "")
    invalid("app_token_file", "at most one of app_token & app_token_file must be configured");
  else if (hasUrl(config) && hasToken(config))
    invalid("app_token", "at most one of api_url/api_url_file & app_token/app_token_file must be configured");
  else if (config.updateMessage && config.apiUrl?.reveal() !== APP_URL)
    invalid("update_message", `update_message can only be used with bot tokens. api_url must be set to ${APP_URL}`);
}

function hasUrl(config: SlackConfig): boolean {
  return config.apiUrl !== undefined || config.apiUrlFile !== "";
}

function hasToken(config: SlackConfig): boolean {
  return !config.appToken.isEmpty || config.appTokenFile !== "";
}
