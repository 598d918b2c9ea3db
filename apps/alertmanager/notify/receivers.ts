// From a receiver's configuration to its integrations.
import type { Integrations, ReceiverConfig } from "../config/receiver.ts";
import type { Notifier } from "./delivery.ts";
import { Integration, type IntegrationEnvironment } from "./integration.ts";
import type { NotifierEnvironment } from "./integrations/common.ts";
import { DiscordNotifier } from "./integrations/discord.ts";
import { EmailNotifier } from "./integrations/email.ts";
import { IncidentioNotifier } from "./integrations/incidentio.ts";
import { JiraNotifier } from "./integrations/jira.ts";
import { MattermostNotifier } from "./integrations/mattermost.ts";
import { msteamsNotifier, msteamsV2Notifier } from "./integrations/msteams.ts";
import { OpsgenieNotifier } from "./integrations/opsgenie.ts";
import { PagerdutyNotifier } from "./integrations/pagerduty.ts";
import { PushoverNotifier } from "./integrations/pushover.ts";
import { RocketchatNotifier } from "./integrations/rocketchat.ts";
import { SlackNotifier } from "./integrations/slack.ts";
import { SnsNotifier } from "./integrations/sns.ts";
import { TelegramNotifier } from "./integrations/telegram.ts";
import { VictoropsNotifier } from "./integrations/victorops.ts";
import { WebexNotifier } from "./integrations/webex.ts";
import { WebhookNotifier } from "./integrations/webhook.ts";
import { WechatNotifier } from "./integrations/wechat.ts";

type Makers = {
  readonly [K in keyof Integrations]: (config: Integrations[K][number], environment: NotifierEnvironment) => Notifier;
};

/** In the order in which the reference builds them. */
const MAKERS: Makers = {
  webhook: (config, environment) => new WebhookNotifier(config, environment),
  email: (config, environment) => new EmailNotifier(config, environment),
  pagerduty: (config, environment) => new PagerdutyNotifier(config, environment),
  opsgenie: (config, environment) => new OpsgenieNotifier(config, environment),
  wechat: (config, environment) => new WechatNotifier(config, environment),
  slack: (config, environment) => new SlackNotifier(config, environment),
  victorops: (config, environment) => new VictoropsNotifier(config, environment),
  pushover: (config, environment) => new PushoverNotifier(config, environment),
  sns: (config, environment) => new SnsNotifier(config, environment),
  telegram: (config, environment) => new TelegramNotifier(config, environment),
  discord: (config, environment) => new DiscordNotifier(config, environment),
  webex: (config, environment) => new WebexNotifier(config, environment),
  msteams: msteamsNotifier,
  msteamsv2: msteamsV2Notifier,
  jira: (config, environment) => new JiraNotifier(config, environment),
  incidentio: (config, environment) => new IncidentioNotifier(config, environment),
  rocketchat: (config, environment) => new RocketchatNotifier(config, environment),
  mattermost: (config, environment) => new MattermostNotifier(config, environment),
};

/** Throws when one cannot be made, as a file that it needs cannot be read. */
export function buildIntegrations(
  receiver: ReceiverConfig,
  notifiers: NotifierEnvironment,
  environment: IntegrationEnvironment,
): Integration[] {
  return Object.entries(MAKERS).flatMap(([name, make]) =>
    receiver[name as keyof Integrations].map((config, index) => {
      const identity = { name, index, receiver: receiver.name, sendsResolved: config.sendResolved };
      return new Integration(identity, make(config as never, notifiers), environment);
    }),
  );
}
