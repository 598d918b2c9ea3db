/** The form of a silence: new, changed, or made anew after it has ended. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../shell/icons.tsx";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { toast } from "../shell/toasts.tsx";
import { IconButton, Notice, PageHead, waitingFor } from "../shell/widgets.tsx";
import { changeAlertmanager, type Silence, useAlertmanager } from "./api.ts";
import { choices, choose } from "./choices.ts";
import { merged } from "./filter-bar.tsx";
import { goTo, hashHref, useHashSearch } from "./hash-router.ts";
import { fromApi, type Matcher, type MatchOperator, OPERATORS, parseMatchers, toApi } from "./matchers.ts";
import { changeSpan, readSpan, type Span, spanBetween, spanFrom } from "./silence-draft.ts";
import { SilencePreview } from "./silence-preview.tsx";

const EMPTY: Matcher = { name: "", operator: "=", value: "" };
const DURATIONS = ["30m", "1h", "2h", "4h", "12h", "1d", "1w"];
/** The preview waits until nobody types. */
const PREVIEW_DELAY_MS = 400;

interface Draft {
  readonly matchers: readonly Matcher[];
  readonly span: Span;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations: readonly (readonly [name: string, value: string])[];
}

/** `id` is that of the silence to change; undefined for a new one. */
export function SilenceForm({ id }: { id: string | undefined }): JSX.Element {
  const asked = useAlertmanager<Silence>(id === undefined ? null : `silence/${encodeURIComponent(id)}`);
  if (id === undefined) return <Form silence={undefined} />;
  if (asked.error?.status === 404) return <Notice kind="info" title="There is no such silence" />;
  return waitingFor(asked, "the silence") ?? <Form silence={asked.answer?.data} />;
}

function Form({ silence }: { silence: Silence | undefined }): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const [search] = useHashSearch();
  const [draft, setDraft] = useState<Draft>(() => draftOf(silence, search, useLocalTime));
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  const change = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    setProblem("");
  };
  const matchers = draft.matchers.filter(({ name, value }) => name !== "" || value !== "");
  const previewed = useLater(matchers, PREVIEW_DELAY_MS);
  const isOver = silence?.status.state === "expired";
  const title = silence === undefined ? "New silence" : isOver ? "Recreate silence" : "Edit silence";
  const send = async (): Promise<void> => {
    const wrong = problemOf(draft, matchers, useLocalTime);
    setProblem(wrong);
    if (wrong !== "") return;
    const { startMs, endMs } = readSpan(draft.span, useLocalTime) as { startMs: number; endMs: number };
    const annotations = Object.fromEntries(draft.annotations.filter(([name]) => name !== ""));
    setSending(true);
    try {
      const { silenceID } = await changeAlertmanager<{ silenceID: string }>("POST", "silences", {
        ...(silence === undefined || isOver ? {} : { id: silence.id }),
        matchers: matchers.map(toApi),
        startsAt: new Date(startMs).toISOString(),
        endsAt: new Date(endMs).toISOString(),
        createdBy: draft.createdBy.trim(),
        comment: draft.comment.trim(),
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      });
      choose({ author: draft.createdBy.trim() });
      toast(silence === undefined || isOver ? "Silence created" : "Silence changed");
      goTo(hashHref(`silences/${silenceID}`));
    } catch (error) {
      setProblem((error as Error).message);
      setSending(false);
    }
  };
  return (
    <>
      <PageHead title={title} />
      <form
        class="silence-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <section class="card padded">
          <MatcherFields matchers={draft.matchers} onChange={(next) => change({ matchers: next })} />
          <SpanFields span={draft.span} local={useLocalTime} onChange={(span) => change({ span })} />
          <div class="field-row">
            <label>
              <span>Created by</span>
              <input
                type="text"
                value={draft.createdBy}
                autocomplete="name"
                onInput={(event) => change({ createdBy: event.currentTarget.value })}
              />
            </label>
            <label class="wide">
              <span>Comment</span>
              <textarea
                rows={2}
                value={draft.comment}
                onInput={(event) => change({ comment: event.currentTarget.value })}
              />
            </label>
          </div>
          <AnnotationFields annotations={draft.annotations} onChange={(annotations) => change({ annotations })} />
          {problem !== "" && (
            <p class="field-error" role="alert">
              {problem}
            </p>
          )}
          <p class="form-actions">
            <button type="submit" class="primary" disabled={isSending}>
              {silence === undefined || isOver ? "Create" : "Save"}
            </button>
            <a class="button" href={silence === undefined ? "#/silences" : hashHref(`silences/${silence.id}`)}>
              Cancel
            </a>
          </p>
        </section>
        <SilencePreview matchers={previewed} />
      </form>
    </>
  );
}

/** Rows of label, operator and value, and a field that takes whole lists of matchers. */
export function MatcherFields(props: {
  matchers: readonly Matcher[];
  onChange: (next: readonly Matcher[]) => void;
}): JSX.Element {
  const { matchers, onChange } = props;
  const [typed, setTyped] = useState("");
  const set = (i: number, part: Partial<Matcher>): void =>
    onChange(matchers.map((matcher, j) => (i === j ? { ...matcher, ...part } : matcher)));
  const add = (): void => {
    const added = parseMatchers(typed);
    if (added === undefined || added.length === 0) return;
    onChange(
      merged(
        matchers.filter(({ name, value }) => name !== "" || value !== ""),
        added,
      ),
    );
    setTyped("");
  };
  return (
    <fieldset class="matcher-fields">
      <legend>Alerts that pass all of these matchers</legend>
      {matchers.map((matcher, i) => (
        <div key={i} class="matcher-row">
          <input
            type="text"
            aria-label="Label"
            placeholder="label"
            value={matcher.name}
            spellcheck={false}
            autocapitalize="off"
            {...(i === 0 ? { "data-first-input": "" } : {})}
            onInput={(event) => set(i, { name: event.currentTarget.value.trim() })}
          />
          <select
            aria-label="Operator"
            value={matcher.operator}
            onChange={(event) => set(i, { operator: event.currentTarget.value as MatchOperator })}
          >
            {OPERATORS.map((operator) => (
              <option key={operator}>{operator}</option>
            ))}
          </select>
          <input
            type="text"
            aria-label="Value"
            placeholder="value"
            value={matcher.value}
            spellcheck={false}
            autocapitalize="off"
            onInput={(event) => set(i, { value: event.currentTarget.value })}
          />
          <IconButton
            icon="trash"
            label="Take this matcher away"
            onClick={() => onChange(matchers.filter((_, j) => i !== j))}
          />
        </div>
      ))}
      <div class="matcher-add">
        <button type="button" onClick={() => onChange([...matchers, EMPTY])}>
          <Icon name="plus" />
          Matcher
        </button>
        <input
          type="text"
          aria-label="Add matchers as text"
          placeholder='or type {alertname="x", job=~"y.*"} and Enter'
          value={typed}
          spellcheck={false}
          autocapitalize="off"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
          onBlur={add}
        />
      </div>
    </fieldset>
  );
}

function SpanFields({
  span,
  local,
  onChange,
}: {
  span: Span;
  local: boolean;
  onChange: (span: Span) => void;
}): JSX.Element {
  const field = (name: keyof Span, label: string): JSX.Element => (
    <label>
      <span>{label}</span>
      <input
        type="text"
        value={span[name]}
        spellcheck={false}
        inputMode={name === "duration" ? "text" : "numeric"}
        onInput={(event) => onChange(changeSpan(span, name, event.currentTarget.value, local))}
      />
    </label>
  );
  const zone = local ? "local time" : "UTC";
  return (
    <div class="field-row">
      {field("start", `Start (${zone})`)}
      {field("duration", "Duration")}
      {field("end", `End (${zone})`)}
      <span class="durations">
        {DURATIONS.map((duration) => (
          <button
            key={duration}
            type="button"
            aria-pressed={span.duration === duration}
            onClick={() => onChange(changeSpan(span, "duration", duration, local))}
          >
            {duration}
          </button>
        ))}
      </span>
    </div>
  );
}

function AnnotationFields(props: {
  annotations: Draft["annotations"];
  onChange: (annotations: Draft["annotations"]) => void;
}): JSX.Element {
  const { annotations, onChange } = props;
  const set = (i: number, pair: readonly [string, string]): void =>
    onChange(annotations.map((each, j) => (i === j ? pair : each)));
  return (
    <fieldset class="matcher-fields">
      <legend class={annotations.length === 0 ? "visually-hidden" : ""}>Annotations</legend>
      {annotations.map(([name, value], i) => (
        <div key={i} class="matcher-row">
          <input
            type="text"
            aria-label="Annotation"
            placeholder="name"
            value={name}
            onInput={(event) => set(i, [event.currentTarget.value.trim(), value])}
          />
          <span />
          <input
            type="text"
            aria-label="Text of the annotation"
            placeholder="text"
            value={value}
            onInput={(event) => set(i, [name, event.currentTarget.value])}
          />
          <IconButton
            icon="trash"
            label="Take this annotation away"
            onClick={() => onChange(annotations.filter((_, j) => i !== j))}
          />
        </div>
      ))}
      <button type="button" class="link small" onClick={() => onChange([...annotations, ["", ""]])}>
        Add an annotation
      </button>
    </fieldset>
  );
}

function draftOf(silence: Silence | undefined, search: URLSearchParams, local: boolean): Draft {
  const { author, duration } = choices.get();
  if (silence === undefined) {
    const given = parseMatchers(search.get("filter") ?? "") ?? [];
    return {
      matchers: given.length === 0 ? [EMPTY] : given,
      span: spanFrom(Date.now(), duration, local),
      createdBy: author,
      comment: search.get("comment") ?? "",
      annotations: [],
    };
  }
  const [startMs, endMs] = [Date.parse(silence.startsAt), Date.parse(silence.endsAt)];
  const isOver = silence.status.state === "expired";
  return {
    matchers: silence.matchers.map(fromApi),
    // One that has ended is made anew for as long as it lasted.
    span: isOver ? spanBetween(Date.now(), Date.now() + endMs - startMs, local) : spanBetween(startMs, endMs, local),
    createdBy: isOver && author !== "" ? author : silence.createdBy,
    comment: silence.comment,
    annotations: Object.entries(silence.annotations ?? {}),
  };
}

/** What is wrong with a silence's matchers, in a sentence; empty for nothing. */
export function matcherProblem(matchers: readonly Matcher[]): string {
  if (matchers.length === 0) return "A silence needs at least one matcher";
  const nameless = matchers.find(({ name }) => name === "");
  return nameless === undefined ? "" : `The matcher of the value ${JSON.stringify(nameless.value)} needs a label`;
}

function problemOf(draft: Draft, matchers: readonly Matcher[], local: boolean): string {
  const wrong = matcherProblem(matchers);
  if (wrong !== "") return wrong;
  const span = readSpan(draft.span, local);
  if (typeof span === "string") return span;
  if (draft.createdBy.trim() === "") return "Say who creates it";
  return draft.comment.trim() === "" ? "Say why, for those who wonder later" : "";
}

/** The value as it was when it had not changed for so long. */
export function useLater<T>(value: T, delayMs: number): T {
  const [later, setLater] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), delayMs);
    return () => clearTimeout(timer);
  }, [key, delayMs]);
  return later;
}
