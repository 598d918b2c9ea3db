/** The form of a silence that comes again. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { toast } from "../shell/toasts.tsx";
import { IconButton, PageHead } from "../shell/widgets.tsx";
import { changeAlertmanager } from "./api.ts";
import { choices, choose } from "./choices.ts";
import { goTo, useHashSearch } from "./hash-router.ts";
import { formatMatchers, type Matcher, parseMatchers } from "./matchers.ts";
import { type IntervalDraft, readInterval, type TimeInterval, WEEKDAYS } from "./schedule.ts";
import { MatcherFields, matcherProblem, useLater } from "./silence-form.tsx";
import { SilencePreview } from "./silence-preview.tsx";

const PREVIEW_DELAY_MS = 400;

interface Draft {
  readonly matchers: readonly Matcher[];
  readonly intervals: readonly IntervalDraft[];
  readonly createdBy: string;
  readonly comment: string;
}

export function RecurringForm(): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const zone = useLocalTime ? Intl.DateTimeFormat().resolvedOptions().timeZone : "UTC";
  const fresh: IntervalDraft = { weekdays: [], times: "", daysOfMonth: "", months: "", location: zone };
  const [search] = useHashSearch();
  const [draft, setDraft] = useState<Draft>(() => {
    const given = parseMatchers(search.get("filter") ?? "") ?? [];
    const matchers: readonly Matcher[] = given.length === 0 ? [{ name: "", operator: "=", value: "" }] : given;
    return { matchers, intervals: [fresh], createdBy: choices.get().author, comment: "" };
  });
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  const change = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    setProblem("");
  };
  const matchers = draft.matchers.filter(({ name, value }) => name !== "" || value !== "");
  const previewed = useLater(matchers, PREVIEW_DELAY_MS);
  const send = async (): Promise<void> => {
    const timeIntervals = draft.intervals.map(readInterval);
    const wrong = problemOf(draft, matchers, timeIntervals);
    setProblem(wrong);
    if (wrong !== "") return;
    const [createdBy, comment] = [draft.createdBy.trim(), draft.comment.trim()];
    setSending(true);
    try {
      const body = { matchers: formatMatchers(matchers), timeIntervals, createdBy, comment };
      await changeAlertmanager("POST", "narthex/recurring-silences", body);
      choose({ author: createdBy });
      toast("Recurring silence created");
      goTo("#/silences/recurring");
    } catch (error) {
      setProblem((error as Error).message);
      setSending(false);
    }
  };
  return (
    <>
      <PageHead title="New recurring silence" />
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
          {draft.intervals.map((interval, i) => (
            <IntervalFields
              key={i}
              interval={interval}
              onChange={(next) => change({ intervals: draft.intervals.map((each, j) => (i === j ? next : each)) })}
              onRemove={
                draft.intervals.length === 1
                  ? undefined
                  : () => change({ intervals: draft.intervals.filter((_, j) => i !== j) })
              }
            />
          ))}
          <button type="button" class="link small" onClick={() => change({ intervals: [...draft.intervals, fresh] })}>
            Add other times
          </button>
          <datalist id="zones">
            {["UTC", ...Intl.supportedValuesOf("timeZone")].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </datalist>
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
          {problem !== "" && (
            <p class="field-error" role="alert">
              {problem}
            </p>
          )}
          <p class="form-actions">
            <button type="submit" class="primary" disabled={isSending}>
              Create
            </button>
            <a class="button" href="#/silences/recurring">
              Cancel
            </a>
          </p>
        </section>
        <SilencePreview matchers={previewed} />
      </form>
    </>
  );
}

function IntervalFields(props: {
  interval: IntervalDraft;
  onChange: (next: IntervalDraft) => void;
  onRemove: (() => void) | undefined;
}): JSX.Element {
  const { interval, onChange, onRemove } = props;
  const toggle = (day: string): void => {
    const { weekdays } = interval;
    const next = weekdays.includes(day) ? weekdays.filter((each) => each !== day) : [...weekdays, day];
    onChange({ ...interval, weekdays: next });
  };
  const field = (name: "times" | "daysOfMonth" | "months" | "location", label: string, like: string): JSX.Element => (
    <label>
      <span>{label}</span>
      <input
        type="text"
        value={interval[name]}
        placeholder={like}
        spellcheck={false}
        autocapitalize="off"
        {...(name === "location" ? { list: "zones" } : {})}
        onInput={(event) => onChange({ ...interval, [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <fieldset class="interval">
      <legend>It holds whenever all of these fit</legend>
      <div class="durations">
        {WEEKDAYS.map((day) => (
          <button
            key={day}
            type="button"
            aria-label={day}
            aria-pressed={interval.weekdays.includes(day)}
            onClick={() => toggle(day)}
          >
            {`${day.slice(0, 1).toUpperCase()}${day.slice(1, 3)}`}
          </button>
        ))}
        {onRemove !== undefined && <IconButton icon="trash" label="Take these times away" onClick={onRemove} />}
      </div>
      <div class="field-row">
        {field("times", "Times of day", "02:00-03:30")}
        {field("location", "Time zone", "UTC")}
        {field("daysOfMonth", "Days of the month", "1-7, -1")}
        {field("months", "Months", "december")}
      </div>
    </fieldset>
  );
}

function problemOf(draft: Draft, matchers: readonly Matcher[], intervals: readonly (TimeInterval | string)[]): string {
  const wrong = matcherProblem(matchers) || intervals.find((interval) => typeof interval === "string");
  if (typeof wrong === "string") return wrong;
  if (draft.createdBy.trim() === "") return "Say who creates it";
  return draft.comment.trim() === "" ? "Say why, for those who wonder later" : "";
}
