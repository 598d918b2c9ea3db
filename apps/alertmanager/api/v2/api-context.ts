// What the handlers of the API work with.
import type { Logger } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { AlertStore } from "../../alert/alert-store.ts";
import type { Clock } from "../../clock.ts";
import type { Peer } from "../../cluster/peer.ts";
import type { Config } from "../../config/config.ts";
import type { Dispatcher } from "../../dispatch/dispatcher.ts";
import type { Inhibitor } from "../../inhibit/inhibitor.ts";
import type { MatcherGrammar } from "../../matcher/matcher-grammar.ts";
import type { Moment } from "../../moment/moment.ts";
import type { NotificationLog } from "../../nflog/notification-log.ts";
import type { NotificationRecords } from "../../record/notification-records.ts";
import type { RecurringSilences } from "../../silence/recurring-silences.ts";
import type { Silencer } from "../../silence/silencer.ts";
import type { Silences } from "../../silence/silences.ts";
import type { TemplateSet } from "../../template/template-set.ts";
import type { Intervener } from "../../time-interval/intervener.ts";
import type { AlertMetrics } from "./alert-metrics.ts";
import type { ShownStatus } from "./gettable.ts";

/** What a configuration brings along; another one after a reload. */
export interface ApiState {
  readonly config: Config;
  readonly dispatcher: Dispatcher;
  readonly inhibitor: Inhibitor;
  readonly intervener: Intervener;
  readonly templates: TemplateSet;
  readonly resolveTimeoutMs: number;
  readonly receiverLabels: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** What mutes an alert at that moment; its groups' intervals aside. */
  statusOf(alert: Alert, now: Moment): ShownStatus;
}

export interface ApiContext {
  readonly clock: Clock;
  readonly alerts: AlertStore;
  readonly silences: Silences;
  readonly recurring: RecurringSilences;
  readonly silencer: Silencer;
  readonly log: NotificationLog;
  readonly records: NotificationRecords;
  readonly peer: Peer;
  readonly grammar: MatcherGrammar;
  readonly metrics: AlertMetrics;
  readonly logger: Logger;
  readonly externalUrl: string;
  readonly startedAt: Date;
  readonly state: () => ApiState;
}
