// Which alerts a request asks for, and in which groups they are told.
import { compareStrings } from "@narthex/model";
import type { Alert } from "../../alert/alert.ts";
import type { AggregationGroup } from "../../dispatch/aggregation-group.ts";
import { compareLabelSets } from "../../label/label-set.ts";
import type { LabelMatcher } from "../../matcher/matcher.ts";
import { Moment } from "../../moment/moment.ts";
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext, ApiState } from "./api-context.ts";
import { filtersOf, passesFilters, receiverFilter, switchOf } from "./filters.ts";
import type { ShownStatus } from "./gettable.ts";

const RECEIVER_MATCHERS = "failed to parse receiver_matchers param: ";

/** What a list of alerts is narrowed down to. */
interface AlertQuery {
  readonly filters: readonly LabelMatcher[];
  readonly takesReceiver: (name: string) => boolean;
  readonly takesAllReceivers: boolean;
  readonly active: boolean;
  readonly silenced: boolean;
  readonly inhibited: boolean;
}

export function queryOf(exchange: Exchange, { grammar }: ApiContext, state: ApiState): AlertQuery {
  const { query } = exchange;
  const filters = filtersOf(query, "filter", grammar);
  const byName = receiverFilter(query);
  const byLabels = filtersOf(query, "receiver_matchers", grammar, RECEIVER_MATCHERS);
  return {
    filters,
    takesAllReceivers: byName === undefined && byLabels.length === 0,
    takesReceiver: (name) => {
      if (byName?.(name) === false) return false;
      const labels = state.receiverLabels.get(name);
      return byLabels.length === 0 || (labels !== undefined && passesFilters(byLabels, labels));
    },
    active: switchOf(query, "active"),
    silenced: switchOf(query, "silenced"),
    inhibited: switchOf(query, "inhibited"),
  };
}

/** The state of an alert now, or undefined when the query does not want it. */
export function statusFor(alert: Alert, query: AlertQuery, state: ApiState, now: Moment): ShownStatus | undefined {
  if (!alert.endsAt.isZero && alert.endsAt.isBefore(now)) return undefined;
  if (!passesFilters(query.filters, alert.labels)) return undefined;
  const status = state.statusOf(alert, now);
  const isSilenced = status.silencedBy.length > 0;
  const isInhibited = status.inhibitedBy.length > 0;
  if (!query.active && !isSilenced && !isInhibited) return undefined;
  if ((!query.silenced && isSilenced) || (!query.inhibited && isInhibited)) return undefined;
  return status;
}

/** An alert in one of its groups. */
export interface GroupedAlert {
  readonly alert: Alert;
  readonly status: ShownStatus;
}

export interface SelectedGroup {
  readonly group: AggregationGroup;
  /** At least one, in the order of their labels. */
  readonly alerts: readonly GroupedAlert[];
}

export interface SelectedGroups {
  /** In the order of their labels. */
  readonly groups: readonly SelectedGroup[];
  /** By fingerprint: all receivers that the request asks for and the alert goes to, sorted. */
  readonly receivers: ReadonlyMap<string, readonly string[]>;
}

/** Groups with alerts that a request asks for. Throws an `ApiError` for what cannot be asked. */
export function selectGroups(exchange: Exchange, context: ApiContext): SelectedGroups {
  const state = context.state();
  const query = queryOf(exchange, context, state);
  const showsMuted = switchOf(exchange.query, "muted");
  const now = Moment.fromMs(context.clock.now());
  const receivers = new Map<string, string[]>();
  const groups: SelectedGroup[] = [];
  for (const group of state.dispatcher.groups()) {
    const { receiver } = group.route.options;
    if (!query.takesReceiver(receiver)) continue;
    const { mutedBy } = group;
    const alerts: GroupedAlert[] = [];
    for (const alert of group.sorted()) {
      const status = statusFor(alert, query, state, now);
      if (status === undefined) continue;
      alerts.push({ alert, status: mutedBy.length === 0 ? status : { ...status, mutedBy } });
      const known = receivers.get(alert.fingerprint);
      if (known === undefined) receivers.set(alert.fingerprint, [receiver]);
      else known.push(receiver);
    }
    // What a muted group tells to whom counts where the alert is shown in another one.
    if (alerts.length > 0 && (showsMuted || mutedBy.length === 0)) groups.push({ group, alerts });
  }
  for (const names of receivers.values()) names.sort(compareStrings);
  groups.sort((a, b) => compareGroups(a.group, b.group));
  return { groups, receivers };
}

function compareGroups(a: AggregationGroup, b: AggregationGroup): number {
  return compareLabelSets(a.labels, b.labels) || compareStrings(a.route.options.receiver, b.route.options.receiver);
}
