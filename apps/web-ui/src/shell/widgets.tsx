/** Small pieces that every page uses. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/client.ts";
import type { Asked } from "../api/use-answer.ts";
import { formatPair, type LabelMap, labelPairs } from "../format/labels.ts";
import { formatTime, timeAgo } from "../format/time.ts";
import { Icon, type IconName } from "./icons.tsx";
import { settings } from "./settings.ts";
import { type Cell, cell, useCell } from "./signal.ts";

/** The time, ticking each second while the page is visible: one timer for all the ages on a page. */
export const clock: Cell<number> = cell(Date.now());
setInterval(() => {
  if (document.visibilityState !== "hidden") clock.set(Date.now());
}, 1000);

/** A framed message. Errors are announced at once, the rest politely. */
export function Notice(props: {
  kind: "error" | "warn" | "info" | "empty";
  title: ComponentChildren;
  children?: ComponentChildren;
  onClose?: () => void;
}): JSX.Element {
  return (
    <div class={`notice ${props.kind}`} role={props.kind === "error" ? "alert" : "status"}>
      <Icon name={props.kind === "error" || props.kind === "warn" ? "warn" : "info"} />
      <div class="notice-text">
        <strong>{props.title}</strong>
        {props.children}
      </div>
      {props.onClose && (
        <button type="button" class="plain" aria-label="Dismiss" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

/** A quiet bar that appears only when waiting takes longer than a blink. */
export function Loading({ label = "Loading" }: { label?: string }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="loading-bar" />
      <span class="visually-hidden">{label}</span>
    </div>
  );
}

/** What a page shows while it has no answer: the bar, or the error with a way to try again. Null once there is one. */
export function waitingFor(
  asked: Pick<Asked<unknown>, "error" | "reload"> & { readonly answer: object | null },
  what: string,
): JSX.Element | null {
  if (asked.answer) return null;
  if (asked.error) return <ApiNotice error={asked.error} what={what} retry={asked.reload} />;
  return <Loading label={`Loading ${what}`} />;
}

/** Says why a request failed. */
export function ApiNotice({ error, what, retry }: { error: ApiError; what: string; retry?: () => void }): JSX.Element {
  return (
    <Notice kind="error" title={`Could not load ${what}`}>
      <p>{error.message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </Notice>
  );
}

/** The head of a page: its title, a line on what is below, and controls at the end. */
export function PageHead(props: {
  title: string;
  note?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="page-head">
      <h1>{props.title}</h1>
      {props.note && <p class="note">{props.note}</p>}
      {props.children && <div class="page-controls">{props.children}</div>}
    </div>
  );
}

/** A text field that filters what is below it; tells `onChange` after a pause of 150 ms in typing. */
export function SearchField(props: { label: string; value: string; onChange: (value: string) => void }): JSX.Element {
  const [draft, setDraft] = useState(props.value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setDraft(props.value), [props.value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="visually-hidden">{props.label}</span>
      <input
        type="search"
        placeholder={props.label}
        value={draft}
        data-first-input=""
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => {
          const { value } = event.currentTarget;
          setDraft(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => props.onChange(value), 150);
        }}
      />
    </label>
  );
}

/** A row of buttons of which one is chosen. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, ComponentChildren])[];
  onChange: (value: T) => void;
}): JSX.Element {
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** A button with only an icon to see and a name to hear. */
export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: () => void;
  disabled?: boolean;
}): JSX.Element {
  return (
    <button
      type="button"
      class="plain"
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled ?? false}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** A state in a word, with colour and mark. */
export function Badge({
  tone,
  children,
}: {
  tone: "good" | "bad" | "warn" | "quiet";
  children: ComponentChildren;
}): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** Labels as a run of small chips. */
export function Labels({ labels, name = false }: { labels: LabelMap; name?: boolean }): JSX.Element {
  const pairs = labelPairs(labels);
  return (
    <span class="labels">
      {name && labels["__name__"] && <b>{labels["__name__"]}</b>}
      {pairs.map(([label, value]) => (
        <span key={label} class="chip" title={formatPair(label, value)}>
          <i>{label}</i>
          {value === "" ? '""' : value}
        </span>
      ))}
      {pairs.length === 0 && !name && <span class="muted">none</span>}
    </span>
  );
}

/**
 * `3 s ago`, counting on by itself, with the exact time on hover. A time that lies ahead is the clocks' difference, and
 * shown as now, unless it is `planned`.
 */
export function Ago({ time, planned = false }: { time: string | undefined; planned?: boolean }): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const now = useCell(clock);
  const t = Date.parse(time ?? "");
  const known = !Number.isNaN(t) && t > 0;
  return (
    <time dateTime={known ? time : undefined} title={known ? formatTime(t, useLocalTime) : undefined}>
      {timeAgo(known ? t : Number.NaN, planned ? now : Math.max(now, t))}
    </time>
  );
}

/** Renders `items` piece by piece: more of them whenever the end of the list comes near the window. */
export function useGradually<T>(
  items: readonly T[],
  first = 200,
): { shown: readonly T[]; sentinel: JSX.Element | null } {
  const [count, setCount] = useState(first);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => setCount(first), [items, first]);
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setCount((n) => n + first);
      },
      { rootMargin: "600px" },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [count, items, first]);
  const more = items.length - count;
  return {
    shown: more > 0 ? items.slice(0, count) : items,
    sentinel:
      more > 0 ? (
        <div ref={element} class="more">
          <button type="button" onClick={() => setCount((n) => n + first)}>
            Show more ({more} left)
          </button>
        </div>
      ) : null,
  };
}
