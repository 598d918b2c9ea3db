// `receivers`: named lists of integrations.
import { type Codec, type Field, field, type StructShape, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import type { GlobalConfig } from "./global.ts";
import type { NotifierConfig, ReceiverKind } from "./receivers/common.ts";
import { type DiscordConfig, discord } from "./receivers/discord.ts";
import { type EmailConfig, email } from "./receivers/email.ts";
import { type IncidentioConfig, incidentio } from "./receivers/incidentio.ts";
import { type JiraConfig, jira } from "./receivers/jira.ts";
import { type MattermostConfig, mattermost } from "./receivers/mattermost.ts";
import { type MsteamsConfig, type MsteamsV2Config, msteams, msteamsV2 } from "./receivers/msteams.ts";
import { type OpsgenieConfig, opsgenie } from "./receivers/opsgenie.ts";
import { type PagerdutyConfig, pagerduty } from "./receivers/pagerduty.ts";
import { type PushoverConfig, pushover } from "./receivers/pushover.ts";
import { type RocketchatConfig, rocketchat } from "./receivers/rocketchat.ts";
import { type SlackConfig, slack } from "./receivers/slack.ts";
import { type SnsConfig, sns } from "./receivers/sns.ts";
import { type TelegramConfig, telegram } from "./receivers/telegram.ts";
import { type VictoropsConfig, victorops } from "./receivers/victorops.ts";
import { type WebexConfig, webex } from "./receivers/webex.ts";
import { type WebhookConfig, webhook } from "./receivers/webhook.ts";
import { type WechatConfig, wechat } from "./receivers/wechat.ts";

const { list, map, text } = yamlCodec;

/** Every integration by the name that metrics and logs call it. */
export interface Integrations {
  readonly discord: readonly DiscordConfig[];
  readonly email: readonly EmailConfig[];
  readonly incidentio: readonly IncidentioConfig[];
  readonly pagerduty: readonly PagerdutyConfig[];
  readonly slack: readonly SlackConfig[];
  readonly webhook: readonly WebhookConfig[];
  readonly opsgenie: readonly OpsgenieConfig[];
  readonly wechat: readonly WechatConfig[];
  readonly pushover: readonly PushoverConfig[];
  readonly victorops: readonly VictoropsConfig[];
  readonly sns: readonly SnsConfig[];
  readonly telegram: readonly TelegramConfig[];
  readonly webex: readonly WebexConfig[];
  readonly msteams: readonly MsteamsConfig[];
  readonly msteamsv2: readonly MsteamsV2Config[];
  readonly jira: readonly JiraConfig[];
  readonly rocketchat: readonly RocketchatConfig[];
  readonly mattermost: readonly MattermostConfig[];
}

export type IntegrationName = keyof Integrations;

export interface ReceiverConfig extends Integrations {
  readonly name: string;
  /** With `name` among them. */
  readonly labels: ReadonlyMap<string, string>;
}

/** In the order in which they stand in the printed configuration. */
const KINDS = [
  discord,
  email,
  incidentio,
  pagerduty,
  slack,
  webhook,
  opsgenie,
  wechat,
  pushover,
  victorops,
  sns,
  telegram,
  webex,
  msteams,
  msteamsV2,
  jira,
  rocketchat,
  mattermost,
] as unknown as readonly ReceiverKind<NotifierConfig>[];

/** All names there are, as metrics list them. */
export const INTEGRATION_NAMES: readonly IntegrationName[] = KINDS.map(({ name }) => name as IntegrationName);

function integrationField({ name, codec, nullItem }: ReceiverKind<NotifierConfig>): Field {
  return field<Record<string, readonly NotifierConfig[]>>(
    `${name}_configs`,
    name,
    list(codec, nullItem === undefined ? {} : { nullItem }),
  );
}

export const receiver: Codec<ReceiverConfig> & StructShape = struct<ReceiverConfig>(
  "config.plain",
  [
    field<ReceiverConfig>("name", "name", text, { keep: true }),
    field<ReceiverConfig>("labels", "labels", map(text, { type: "map[string]string" })),
    ...KINDS.map(integrationField),
  ],
  { check: checkReceiver },
);

function checkReceiver(config: ReceiverConfig, reader: YamlReader): void {
  if (config.name === "") {
    reader.invalid(reader.place(config), "missing name in receiver");
    return;
  }
  const label = config.labels.get("name");
  if (label !== undefined && label !== config.name) {
    const message = `receiver label "name" must match receiver name ${JSON.stringify(config.name)}, got ${JSON.stringify(label)}`;
    reader.invalid(reader.place(config, "labels"), message);
  }
  (config as { labels: ReadonlyMap<string, string> }).labels = new Map([...config.labels, ["name", config.name]]);
}

/** Fills in what the receiver's integrations take from the globals. */
export function completeReceiver(config: ReceiverConfig, global: GlobalConfig, reader: YamlReader): void {
  for (const { name, inherit } of KINDS)
    for (const integration of config[name as IntegrationName]) inherit(integration, global, reader);
}
