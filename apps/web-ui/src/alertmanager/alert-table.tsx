/** The alerts, a line each, in groups. Thousands of them: only what is near the window is drawn. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../shell/icons.tsx";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { AlertLine } from "./alert-line.tsx";
import type { GroupRow, Row } from "./alert-rows.ts";
import type { Alert } from "./api.ts";
import { goTo, hashHref } from "./hash-router.ts";
import { exactly, formatMatchers } from "./matchers.ts";
import { rowOffsets, useWindow } from "./use-window.ts";

/** Heights of rows in the style sheet: a line each, or two where the screen is narrow. */
const PIXELS = { alert: 24, group: 24 } as const;
const NARROW_PIXELS = { alert: 54, group: 34 } as const;
/** So much stays above the row that keys move to: the bar at the top lies over the page. */
const SCROLL_MARGIN_PIXELS = 110;
const narrow = matchMedia("(max-width: 820px)");

/** What the lines call. */
export interface Callbacks {
  readonly onOpen: (alert: Alert) => void;
  readonly onFold: (key: string) => void;
  readonly onFilter: (name: string, value: string) => void;
}

/** `missing` alerts are still on their way: room is kept for them. */
export function AlertTable(
  props: Callbacks & { rows: readonly Row[]; missing: number; closed: ReadonlySet<string>; grouping: string },
): JSX.Element {
  const { rows, missing, closed } = props;
  const callbacks = useRef<Callbacks>(props);
  callbacks.current = props;
  const { useLocalTime } = useCell(settings);
  const pixels = useNarrow() ? NARROW_PIXELS : PIXELS;
  const offsets = useMemo(() => rowOffsets(rows, ({ kind }) => pixels[kind]), [rows, pixels]);
  const [element, { first, end }] = useWindow<HTMLTableSectionElement>(offsets);
  // By its key: the list changes while somebody reads it.
  const [marked, setMarked] = useState("");
  const wantsFocus = useRef(false);
  const cursor = useMemo(() => (marked === "" ? -1 : rows.findIndex(({ key }) => key === marked)), [rows, marked]);
  const move = (step: number): void => {
    let next = cursor < 0 && step < 0 ? 0 : cursor + step;
    while (rows[next]?.kind === "group") next += step;
    const holder = element.current;
    const row = rows[next];
    if (row === undefined || holder === null) return;
    setMarked(row.key);
    wantsFocus.current = true;
    const top = holder.getBoundingClientRect().top + scrollY + offsets[next]!;
    const bottom = top + pixels.alert;
    if (top < scrollY + SCROLL_MARGIN_PIXELS) scrollTo(0, top - SCROLL_MARGIN_PIXELS);
    else if (bottom > scrollY + innerHeight) scrollTo(0, bottom - innerHeight + 10);
  };
  useTableKeys(move, () => {
    const row = rows[cursor];
    return row?.kind === "alert" ? row.alert : undefined;
  });
  useEffect(() => {
    if (!wantsFocus.current) return;
    // The row may only be drawn after the page has moved.
    const name = element.current?.querySelector<HTMLElement>(`[data-row="${cursor}"] .alert-name`);
    if (name === null || name === undefined) return;
    wantsFocus.current = false;
    name.focus({ preventScroll: true });
  }, [cursor, first, end]);
  return (
    <table class="alerts" aria-rowcount={rows.length + missing + 1}>
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
        <Gap pixels={offsets[first]!} />
        {rows
          .slice(first, end)
          .map((row, i) =>
            row.kind === "group" ? (
              <GroupLine key={row.key} row={row} index={first + i} isClosed={closed.has(row.key)} {...props} />
            ) : (
              <AlertLine
                key={row.key}
                row={row}
                index={first + i}
                isMarked={first + i === cursor}
                isLocal={useLocalTime}
                callbacks={callbacks}
              />
            ),
          )}
        <Gap pixels={offsets[rows.length]! - offsets[end]! + missing * pixels.alert} />
      </tbody>
    </table>
  );
}

function Gap({ pixels }: { pixels: number }): JSX.Element | null {
  if (pixels <= 0) return null;
  return (
    <tr class="gap">
      <td
        colSpan={7}
        ref={(cell) => {
          // Styles in the markup are not allowed by the page's policy; those set by scripts are.
          if (cell) cell.style.height = `${pixels}px`;
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
