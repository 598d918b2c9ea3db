/** The form of a silence: new, changed, or made anew after it has ended. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { toast } from "../shell/toasts.tsx";
import { IconButton, Notice, waitingFor } from "../shell/widgets.tsx";
import { changeAlertmanager, type Silence, useAlertmanager } from "./api.ts";
import { choices, choose } from "./choices.ts";
import { goTo, hashHref, useHashSearch } from "./hash-router.ts";
import { EMPTY_MATCHER, matcherProblem } from "./matcher-fields.tsx";
import { fromApi, type Matcher, parseMatchers, toApi } from "./matchers.ts";
import { changeSpan, readSpan, type Span, spanBetween, spanFrom } from "./silence-draft.ts";
import { authorProblem, type CommonDraft, SilenceFormFrame, typedMatchers } from "./silence-form-frame.tsx";

const DURATIONS = ["30m", "1h", "2h", "4h", "12h", "1d", "1w"];

interface Draft extends CommonDraft {
  readonly span: Span;
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
  const matchers = typedMatchers(draft);
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
  const isNew = silence === undefined || isOver;
  return (
    <SilenceFormFrame
      title={title}
      draft={draft}
      onChange={change}
      problem={problem}
      submitLabel={isNew ? "Create" : "Save"}
      isSending={isSending}
      onSubmit={() => void send()}
      cancelHref={silence === undefined ? "#/silences" : hashHref(`silences/${silence.id}`)}
      more={<AnnotationFields annotations={draft.annotations} onChange={(annotations) => change({ annotations })} />}
    >
      <SpanFields span={draft.span} local={useLocalTime} onChange={(span) => change({ span })} />
    </SilenceFormFrame>
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
      matchers: given.length === 0 ? [EMPTY_MATCHER] : given,
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

function problemOf(draft: Draft, matchers: readonly Matcher[], local: boolean): string {
  const wrong = matcherProblem(matchers);
  if (wrong !== "") return wrong;
  const span = readSpan(draft.span, local);
  if (typeof span === "string") return span;
  return authorProblem(draft);
}
