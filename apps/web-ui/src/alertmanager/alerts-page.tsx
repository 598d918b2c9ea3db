/** Alerts: which there are, filtered and grouped. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { groupDigits } from "../format/number.ts";
import { useCell } from "../shell/signal.ts";
import { ApiNotice, Notice, waitingFor } from "../shell/widgets.tsx";
import { AlertDetail } from "./alert-detail.tsx";
import { rowsOf } from "./alert-rows.ts";
import { AlertTable } from "./alert-table.tsx";
import { type Alert, useAlertmanager } from "./api.ts";
import { choices, choose } from "./choices.ts";
import { FilterBar, merged } from "./filter-bar.tsx";
import { useHashSearch } from "./hash-router.ts";
import { formatMatcher, formatMatchers, parseMatchers } from "./matchers.ts";
import { type AlertView, useAlerts } from "./use-alerts.ts";

const REFRESH_MS = 10_000;
const NOTHING: AlertView = { grouping: "route", counts: {}, groupCount: 0, groups: [], missing: 0 };
const SWITCHES = ["silenced", "inhibited", "muted"] as const;

export function AlertsPage(): JSX.Element {
  const [search, setSearch] = useHashSearch();
  const filter = search.get("filter") ?? "";
  const receiver = search.get("receiver") ?? "";
  const matchers = useMemo(() => parseMatchers(filter), [filter]);
  const shows = (name: string): boolean => search.get(name) === "true";
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const remembered = useCell(choices).grouping;
  const grouping =
    search.get("customGrouping") === "true" ? (search.get("group") ?? "") || "none" : (search.get("by") ?? remembered);
  const asked = useAlerts(
    {
      filter: (matchers ?? []).map(formatMatcher),
      receiver: receiver === "" ? undefined : receiver,
      active: search.get("active") ?? "true",
      silenced: String(shows("silenced")),
      inhibited: String(shows("inhibited")),
      muted: String(shows("muted")),
    },
    grouping,
    REFRESH_MS,
  );
  const receivers = useAlertmanager<readonly { readonly name: string }[]>("receivers");
  const { groups, groupCount, counts, missing, ...shown } = asked.answer ?? NOTHING;
  const rows = useMemo(() => rowsOf(groups, shown.grouping, closed), [groups, shown.grouping, closed]);
  const opened = useMemo(() => alertIn(groups, search.get("alert")), [groups, search]);
  const fold = (key: string): void => {
    const next = new Set(closed);
    if (!next.delete(key)) next.add(key);
    setClosed(next);
  };
  const foldAll = (): void => {
    const keys = rows.filter(({ kind }) => kind === "group").map(({ key }) => key);
    setClosed(closed.size > 0 ? new Set() : new Set(keys));
  };
  const addFilter = (name: string, value: string): void => {
    const added = merged(matchers ?? [], [{ name, operator: "=", value }]);
    setSearch({ filter: formatMatchers(added), alert: "" });
  };
  const isFiltered = filter !== "" || receiver !== "";
  return (
    <>
      <div class="alerts-head">
        <h1 class="visually-hidden">Alerts</h1>
        <FilterBar
          value={filter}
          label="Filter alerts by matchers"
          onChange={(value) => setSearch({ filter: value })}
        />
        <select
          aria-label="Receiver"
          value={receiver}
          onChange={(event) => setSearch({ receiver: event.currentTarget.value })}
        >
          <option value="">All receivers</option>
          {receiver !== "" && !receivers.answer?.data.some(({ name }) => escapePattern(name) === receiver) && (
            <option value={receiver}>{receiver}</option>
          )}
          {(receivers.answer?.data ?? []).map(({ name }) => (
            <option key={name} value={escapePattern(name)}>
              {name}
            </option>
          ))}
        </select>
        <GroupingField
          value={grouping}
          onChange={(value) => {
            choose({ grouping: value });
            setSearch({ by: value, customGrouping: "", group: "" });
          }}
        />
        <span class="switches">
          {SWITCHES.map((name) => (
            <label key={name} class="check">
              <input
                type="checkbox"
                checked={shows(name)}
                onChange={(event) => setSearch({ [name]: event.currentTarget.checked ? "true" : "" })}
              />
              {name[0]!.toUpperCase() + name.slice(1)}
            </label>
          ))}
        </span>
        {asked.answer && (
          <p class="alerts-note" role="status">
            {countText(counts)}
            {grouping !== "none" &&
              groupCount > 0 &&
              ` in ${groupDigits(groupCount)} ${groupCount === 1 ? "group" : "groups"}`}
            {missing === 0 && rows.some(({ kind }) => kind === "group") && (
              <button type="button" class="link small" onClick={foldAll}>
                {closed.size > 0 ? "Expand all groups" : "Collapse all groups"}
              </button>
            )}
          </p>
        )}
      </div>
      {asked.answer && asked.error && <ApiNotice error={asked.error} what="the alerts" retry={asked.reload} />}
      {waitingFor(asked, "the alerts")}
      {asked.answer && rows.length === 0 && (
        <Notice kind="empty" title={isFiltered ? "No alert passes the filter" : "No alerts"}>
          <p>
            {isFiltered
              ? "Take matchers away, or show silenced, inhibited and muted alerts too."
              : "Nothing fires that is not silenced, inhibited or muted."}
          </p>
        </Notice>
      )}
      {rows.length > 0 && (
        <AlertTable
          rows={rows}
          missing={missing}
          closed={closed}
          grouping={grouping}
          onOpen={({ fingerprint }) => setSearch({ alert: fingerprint })}
          onFold={fold}
          onFilter={addFilter}
        />
      )}
      <AlertDetail
        alert={opened}
        onFilter={addFilter}
        onChanged={asked.reload}
        onClose={() => setSearch({ alert: "" })}
      />
    </>
  );
}

/** As routed, not at all, or by labels that are typed in. */
function GroupingField({ value, onChange }: { value: string; onChange: (value: string) => void }): JSX.Element {
  const isOwn = value !== "route" && value !== "none";
  const [isTyping, setTyping] = useState(false);
  const mode = isOwn || isTyping ? "labels" : value;
  return (
    <span class="grouping">
      <select
        aria-label="Grouping"
        value={mode}
        onChange={(event) => {
          const next = event.currentTarget.value;
          setTyping(next === "labels");
          if (next !== "labels") onChange(next);
        }}
      >
        <option value="route">Grouped as routed</option>
        <option value="labels">Grouped by labels</option>
        <option value="none">Not grouped</option>
      </select>
      {mode === "labels" && (
        <input
          type="text"
          aria-label="Labels to group by, comma-separated"
          placeholder="alertname, job"
          value={isOwn ? value : ""}
          spellcheck={false}
          onChange={(event) => {
            const names = event.currentTarget.value.split(/[\s,]+/).filter(Boolean);
            if (names.length > 0) onChange(names.join(","));
          }}
        />
      )}
    </span>
  );
}

function countText(counts: AlertView["counts"]): string {
  const parts = Object.entries(counts).map(([state, count]) => `${groupDigits(count)} ${state}`);
  return parts.length === 0 ? "0 alerts" : parts.join(", ");
}

function alertIn(groups: AlertView["groups"], fingerprint: string | null): Alert | undefined {
  if (!fingerprint) return undefined;
  for (const { alerts } of groups) {
    const found = alerts.find((alert) => alert.fingerprint === fingerprint);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The parameter is a pattern, as in links of notifications. */
function escapePattern(name: string): string {
  return name.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
