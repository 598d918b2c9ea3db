/** The form of a silence that comes again. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { toast } from "../shell/toasts.tsx";
import { IconButton } from "../shell/widgets.tsx";
import { changeAlertmanager } from "./api.ts";
import { choices, choose } from "./choices.ts";
import { goTo, useHashSearch } from "./hash-router.ts";
import { EMPTY_MATCHER, matcherProblem } from "./matcher-fields.tsx";
import { formatMatchers, type Matcher, parseMatchers } from "./matchers.ts";
import { type IntervalDraft, readInterval, type TimeInterval, WEEKDAYS } from "./schedule.ts";
import { authorProblem, type CommonDraft, SilenceFormFrame, typedMatchers } from "./silence-form-frame.tsx";

interface Draft extends CommonDraft {
  readonly intervals: readonly IntervalDraft[];
}

export function RecurringForm(): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const zone = useLocalTime ? Intl.DateTimeFormat().resolvedOptions().timeZone : "UTC";
  const fresh: IntervalDraft = { weekdays: [], times: "", daysOfMonth: "", months: "", location: zone };
  const [search] = useHashSearch();
  const [draft, setDraft] = useState<Draft>(() => {
    const given = parseMatchers(search.get("filter") ?? "") ?? [];
    return {
      matchers: given.length === 0 ? [EMPTY_MATCHER] : given,
      intervals: [fresh],
      createdBy: choices.get().author,
      comment: "",
    };
  });
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  const change = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    setProblem("");
  };
  const matchers = typedMatchers(draft);
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
    <SilenceFormFrame
      title="New recurring silence"
      draft={draft}
      onChange={change}
      problem={problem}
      submitLabel="Create"
      isSending={isSending}
      onSubmit={() => void send()}
      cancelHref="#/silences/recurring"
    >
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
    </SilenceFormFrame>
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
  return authorProblem(draft);
}
