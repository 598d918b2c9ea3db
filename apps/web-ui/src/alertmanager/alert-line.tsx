/** One alert of the table. */
import type { JSX, RefObject } from "preact";
import { useMemo } from "preact/hooks";
import { formatTime } from "../format/time.ts";
import { Icon } from "../shell/icons.tsx";
import { Ago } from "../shell/widgets.tsx";
import { type AlertRow, measuredValue, stateWord, summaryOf } from "./alert-rows.ts";
import type { Callbacks } from "./alert-table.tsx";
import { hashHref } from "./hash-router.ts";
import { exactly, formatMatchers } from "./matchers.ts";

/** More labels have no room in a line; the alert's dialog has them all. */
const MAX_LABELS = 5;

/** Made anew only when something of it has changed: a scrolled list consists of lines that have not. */
export function AlertLine(props: {
  row: AlertRow;
  index: number;
  isMarked: boolean;
  isLocal: boolean;
  callbacks: RefObject<Callbacks>;
}): JSX.Element {
  const { row, index, isMarked, isLocal, callbacks } = props;
  const { alert, isFirst } = row;
  return useMemo(() => {
    const state = stateWord(alert);
    const name = alert.labels["alertname"] ?? "(no name)";
    const receivers = alert.receivers.map((receiver) => receiver.name).join(", ");
    const summary = summaryOf(alert);
    const value = measuredValue(alert);
    return (
      <tr
        class={`alert-row ${state}${isMarked ? " marked" : ""}${isFirst ? " first" : ""}`}
        data-row={index}
        aria-rowindex={index + 2}
      >
        <td class="state-column">
          <span class={`state ${state}`}>{state}</span>
        </td>
        <td class="name-column">
          <button type="button" class="alert-name" title={name} onClick={() => callbacks.current?.onOpen(alert)}>
            {name}
          </button>
        </td>
        <td class="value-column" title={value}>
          {value}
        </td>
        <td class="about-column">
          <span class="about">
            {summary !== "" && (
              <span class="summary" title={summary}>
                {summary}
              </span>
            )}
            {Object.entries(alert.labels)
              .filter(([label]) => label !== "alertname")
              .sort(bySeverity)
              .slice(0, MAX_LABELS)
              .map(([label, text]) => (
                <button
                  key={label}
                  type="button"
                  class="chip filter-chip"
                  tabIndex={-1}
                  title={`Show only ${label}="${text}"`}
                  onClick={() => callbacks.current?.onFilter(label, text)}
                >
                  <i>{label}</i>
                  {text}
                </button>
              ))}
          </span>
        </td>
        <td class="since-column" title={formatTime(Date.parse(alert.startsAt), isLocal)}>
          <Ago time={alert.startsAt} />
        </td>
        <td class="receiver-column" title={receivers}>
          {receivers}
        </td>
        <td class="action-column">
          <a
            class="silence-link"
            tabIndex={-1}
            href={hashHref("silences/new", { filter: formatMatchers(exactly(alert.labels)) })}
            title="Silence this alert"
          >
            <Icon name="silence" />
            <span class="visually-hidden">Silence {name}</span>
          </a>
        </td>
      </tr>
    );
  }, [alert, isFirst, index, isMarked, isLocal, callbacks]);
}

/** How bad it is comes first, then by name. */
function bySeverity([a]: [string, string], [b]: [string, string]): number {
  return Number(b === "severity") - Number(a === "severity") || (a < b ? -1 : 1);
}
