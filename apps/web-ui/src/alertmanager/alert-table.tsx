/** The alerts, a line each, in groups. Thousands of them: only what is near the window is drawn. */
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { formatTime } from "../format/time.ts";
import { Icon } from "../shell/icons.tsx";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { Ago } from "../shell/widgets.tsx";
import { type AlertRow, type GroupRow, measuredValue, type Row, stateWord, summaryOf } from "./alert-rows.ts";
import type { Alert } from "./api.ts";
import { goTo, hashHref } from "./hash-router.ts";
import { exactly, formatMatchers } from "./matchers.ts";
import { useWindow } from "./use-window.ts";

/** Heights of a row in the style sheet: one line, or two where the screen is narrow. */
const ROW_PIXELS = 27;
const NARROW_ROW_PIXELS = 54;
const narrow = matchMedia("(max-width: 820px)");

interface Callbacks {
  readonly onOpen: (alert: Alert) => void;
  readonly onFold: (key: string) => void;
  readonly onFilter: (name: string, value: string) => void;
}

export function AlertTable(
  props: Callbacks & { rows: readonly Row[]; closed: ReadonlySet<string>; grouping: string },
): JSX.Element {
  const { rows, closed } = props;
  const isNarrow = useNarrow();
  const rowPixels = isNarrow ? NARROW_ROW_PIXELS : ROW_PIXELS;
  const [element, { first, end }] = useWindow<HTMLTableSectionElement>(rows.length, rowPixels);
  const [cursor, setCursor] = useState(-1);
  useEffect(() => setCursor(-1), [rows]);
  const move = (step: number): void => {
    let next = cursor < 0 && step < 0 ? 0 : cursor + step;
    while (rows[next]?.kind === "group") next += step;
    const holder = element.current;
    if (rows[next] === undefined || holder === null) return;
    setCursor(next);
    const top = holder.getBoundingClientRect().top + scrollY + next * rowPixels;
    if (top < scrollY + 110) scrollTo(0, top - 110);
    else if (top + rowPixels > scrollY + innerHeight) scrollTo(0, top + rowPixels - innerHeight + 10);
  };
  useTableKeys(move, () => {
    const row = rows[cursor];
    return row?.kind === "alert" ? row.alert : undefined;
  });
  useEffect(() => {
    if (cursor < 0) return;
    // The row may only be drawn after the page has moved.
    const frame = requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>(`[data-row="${cursor}"] .alert-name`)?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [cursor, first, end]);
  return (
    <table class="alerts" aria-rowcount={rows.length + 1}>
      <thead>
        <tr>
          <th scope="col" class="state-column">
            State
          </th>
          <th scope="col" class="name-column">
            Alert
          </th>
          <th scope="col" class="value-column">
            Value
          </th>
          <th scope="col">What it is about</th>
          <th scope="col" class="since-column">
            Since
          </th>
          <th scope="col" class="receiver-column">
            Receiver
          </th>
          <th scope="col" class="action-column">
            <span class="visually-hidden">Silence</span>
          </th>
        </tr>
      </thead>
      <tbody ref={element}>
        <Gap rows={first} rowPixels={rowPixels} />
        {rows
          .slice(first, end)
          .map((row, i) =>
            row.kind === "group" ? (
              <GroupLine key={row.key} row={row} index={first + i} isClosed={closed.has(row.key)} {...props} />
            ) : (
              <AlertLine key={row.key} row={row} index={first + i} isMarked={first + i === cursor} {...props} />
            ),
          )}
        <Gap rows={rows.length - end} rowPixels={rowPixels} />
      </tbody>
    </table>
  );
}

function Gap({ rows, rowPixels }: { rows: number; rowPixels: number }): JSX.Element | null {
  if (rows <= 0) return null;
  return (
    <tr class="gap">
      <td
        colSpan={7}
        ref={(cell) => {
          // Styles in the markup are not allowed by the page's policy; those set by scripts are.
          if (cell) cell.style.height = `${rows * rowPixels}px`;
        }}
      />
    </tr>
  );
}

function GroupLine({
  row,
  index,
  isClosed,
  onFold,
  grouping,
}: Callbacks & { row: GroupRow; index: number; isClosed: boolean; grouping: string }): JSX.Element {
  const names = Object.entries(row.labels);
  const filter = formatMatchers(exactly(row.labels));
  return (
    <tr class="group-row" aria-rowindex={index + 2}>
      <th colSpan={7} scope="rowgroup">
        <div class="group-line">
          <button type="button" class="fold" aria-expanded={!isClosed} onClick={() => onFold(row.key)}>
            <Icon name={isClosed ? "right" : "down"} />
            <span class="group-name">
              {names.length === 0
                ? "Not grouped by a label"
                : names.map(([name, value]) => `${name}=${value}`).join(" ")}
            </span>
          </button>
          <span class="muted">
            {row.count} alerts{grouping === "route" ? ` to ${row.receiver}` : ""}
          </span>
          {filter !== "" && (
            <a class="silence-link" href={hashHref("silences/new", { filter })} title="Silence this group">
              <Icon name="silence" />
              <span class="visually-hidden">Silence this group</span>
            </a>
          )}
        </div>
      </th>
    </tr>
  );
}

function AlertLine({
  row,
  index,
  isMarked,
  onOpen,
  onFilter,
}: Callbacks & { row: AlertRow; index: number; isMarked: boolean }): JSX.Element {
  const { alert } = row;
  const { useLocalTime } = useCell(settings);
  const state = stateWord(alert);
  const name = alert.labels["alertname"] ?? "(no name)";
  const receivers = alert.receivers.map((receiver) => receiver.name).join(", ");
  const labels = useMemo(
    () =>
      Object.entries(alert.labels)
        .filter(([label]) => label !== "alertname")
        .sort(bySeverity),
    [alert],
  );
  const summary = summaryOf(alert);
  return (
    <tr
      class={isMarked ? `alert-row ${state} marked` : `alert-row ${state}`}
      data-row={index}
      aria-rowindex={index + 2}
    >
      <td class="state-column">
        <span class={`state ${state}`}>{state}</span>
      </td>
      <td class="name-column">
        <button type="button" class="alert-name" title={name} onClick={() => onOpen(alert)}>
          {name}
        </button>
      </td>
      <td class="value-column" title={measuredValue(alert)}>
        {measuredValue(alert)}
      </td>
      <td class="about-column">
        <span class="about">
          {summary !== "" && (
            <span class="summary" title={summary}>
              {summary}
            </span>
          )}
          {labels.map(([label, value]) => (
            <button
              key={label}
              type="button"
              class="chip filter-chip"
              tabIndex={-1}
              title={`Show only ${label}="${value}"`}
              onClick={() => onFilter(label, value)}
            >
              <i>{label}</i>
              {value}
            </button>
          ))}
        </span>
      </td>
      <td class="since-column" title={formatTime(Date.parse(alert.startsAt), useLocalTime)}>
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
}

/** How bad it is comes first, then by name. */
function bySeverity([a]: [string, string], [b]: [string, string]): number {
  return Number(b === "severity") - Number(a === "severity") || (a < b ? -1 : 1);
}

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const change = (): void => setNarrow(narrow.matches);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return isNarrow;
}

/** Arrows and `j`, `k` move from alert to alert, `s` silences the one that is marked. */
function useTableKeys(move: (step: number) => void, marked: () => Alert | undefined): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => {
      const { target } = event;
      const isField = target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]")) return;
      const isDown = event.key === "ArrowDown" || (!isField && event.key === "j");
      const isUp = !isField && (event.key === "ArrowUp" || event.key === "k");
      if (isDown || isUp) {
        if (target instanceof HTMLSelectElement) return;
        event.preventDefault();
        move(isDown ? 1 : -1);
      } else if (event.key === "s" && !isField) {
        const alert = marked();
        if (alert === undefined) return;
        event.preventDefault();
        goTo(hashHref("silences/new", { filter: formatMatchers(exactly(alert.labels)) }));
      }
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  });
}
