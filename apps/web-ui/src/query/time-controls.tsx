/** Controls for when: how far back, up to when, how closely. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { formatDuration, neighbouringRange, parseDuration, RANGE_LADDER_MS } from "../format/duration.ts";
import { formatTime, parseTime } from "../format/time.ts";
import { Icon } from "../shell/icons.tsx";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { IconButton } from "../shell/widgets.tsx";
import type { Resolution } from "../state/page-state.ts";
import { chooseStep, MAX_POINTS } from "../state/step.ts";

/** The range, as text with − and + beside it. Enter and leaving the field take it over; what is no duration turns red. */
export function RangeInput({
  rangeMs,
  onChange,
}: {
  rangeMs: number;
  onChange: (rangeMs: number) => void;
}): JSX.Element {
  const id = useId();
  const field = useDraft(formatDuration(rangeMs), (text) => {
    const parsed = parseDuration(text);
    if (parsed === null) return false;
    onChange(parsed);
    return true;
  });
  return (
    <div class="stepper">
      <IconButton icon="minus" label="Shorter range" onClick={() => onChange(neighbouringRange(rangeMs, -1))} />
      <input
        {...field}
        aria-label="Range"
        title="Range, such as 15m, 1h or 2d"
        list={id}
        size={6}
        class="range-input"
      />
      <datalist id={id}>
        {RANGE_LADDER_MS.map((range) => (
          <option key={range} value={formatDuration(range)} />
        ))}
      </datalist>
      <IconButton icon="plus" label="Longer range" onClick={() => onChange(neighbouringRange(rangeMs, 1))} />
    </div>
  );
}

/** The instant a table is for or a graph ends at; empty is now. The arrows move by half of `rangeMs`. */
export function TimeInput(props: {
  label: string;
  time: number | null;
  rangeMs: number;
  onChange: (time: number | null) => void;
}): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const picker = useRef<HTMLInputElement>(null);
  const { time, rangeMs, onChange } = props;
  const field = useDraft(time === null ? "" : formatTime(time, useLocalTime), (text) => {
    if (text.trim() === "" || text.trim().toLowerCase() === "now") {
      onChange(null);
      return true;
    }
    const parsed = parseTime(text, useLocalTime);
    if (parsed === null) return false;
    onChange(parsed);
    return true;
  });
  const move = (direction: 1 | -1): void =>
    onChange(Math.round(((time ?? Date.now()) + (direction * rangeMs) / 2) / 1000) * 1000);
  return (
    <div class="stepper">
      <IconButton icon="left" label="Earlier by half the range" onClick={() => move(-1)} />
      <input
        {...field}
        aria-label={`${props.label} (${useLocalTime ? "local time" : "UTC"}), empty for now`}
        title={`${props.label}, ${useLocalTime ? "local time" : "UTC"}: 2026-11-21 14:00:00; empty is now`}
        placeholder={`${props.label}: now`}
        size={19}
        class="time-input"
      />
      {time !== null && <IconButton icon="close" label="Back to now" onClick={() => onChange(null)} />}
      <span class="picker">
        <button
          type="button"
          class="plain"
          aria-label="Pick a time"
          title="Pick a time"
          onClick={() => {
            const input = picker.current;
            if (!input) return;
            input.value = formatTime(time ?? Date.now(), useLocalTime)
              .slice(0, 19)
              .replace(" ", "T");
            input.showPicker?.();
          }}
        >
          <Icon name="down" />
        </button>
        <input
          ref={picker}
          type="datetime-local"
          step={1}
          tabIndex={-1}
          aria-hidden="true"
          onChange={(event) => onChange(parseTime(event.currentTarget.value, useLocalTime))}
        />
      </span>
      <IconButton icon="right" label="Later by half the range" onClick={() => move(1)} />
    </div>
  );
}

const FIXED_STEPS_MS = [10_000, 30_000, 60_000, 300_000, 900_000, 3600_000];

/** How closely points stand: by density, by a step from the list, or by one that is typed. */
export function ResolutionSelect(props: {
  resolution: Resolution;
  rangeMs: number;
  onChange: (resolution: Resolution) => void;
}): JSX.Element {
  const { resolution, rangeMs, onChange } = props;
  const value =
    resolution.kind === "auto"
      ? resolution.density
      : resolution.kind === "fixed"
        ? String(resolution.stepMs)
        : "custom";
  const step = chooseStep(resolution, rangeMs);
  const custom = useDraft(formatDuration(step), (text) => {
    const parsed = parseDuration(text);
    if (parsed === null) return false;
    onChange({ kind: "custom", stepMs: parsed });
    return true;
  });
  return (
    <div class="resolution">
      <select
        aria-label="Resolution"
        title={`Resolution: one point every ${formatDuration(step)}`}
        value={value}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          if (chosen === "low" || chosen === "medium" || chosen === "high") onChange({ kind: "auto", density: chosen });
          else if (chosen === "custom") onChange({ kind: "custom", stepMs: step });
          else onChange({ kind: "fixed", stepMs: Number(chosen) });
        }}
      >
        <optgroup label="Automatic">
          {(["low", "medium", "high"] as const).map((density) => (
            <option key={density} value={density}>
              {`${density[0]!.toUpperCase()}${density.slice(1)} (${formatDuration(chooseStep({ kind: "auto", density }, rangeMs))})`}
            </option>
          ))}
        </optgroup>
        <optgroup label="Fixed step">
          {FIXED_STEPS_MS.map((ms) => (
            <option key={ms} value={String(ms)} disabled={rangeMs / ms > MAX_POINTS}>
              {formatDuration(ms)}
            </option>
          ))}
          {resolution.kind === "fixed" && !FIXED_STEPS_MS.includes(resolution.stepMs) && (
            <option value={value}>{formatDuration(resolution.stepMs)}</option>
          )}
        </optgroup>
        <option value="custom">Custom step</option>
      </select>
      {resolution.kind === "custom" && (
        <input {...custom} aria-label="Step" title="Step between points, such as 15s" size={5} />
      )}
    </div>
  );
}

interface DraftField {
  readonly type: "text";
  readonly value: string;
  readonly "aria-invalid": boolean;
  readonly spellcheck: boolean;
  readonly autocomplete: "off";
  readonly onInput: (event: InputEvent & { currentTarget: HTMLInputElement }) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onBlur: () => void;
}

/** A text input that holds what is typed until Enter or leaving; `accept` false marks it invalid, and leaving restores it. */
function useDraft(value: string, accept: (text: string) => boolean): DraftField {
  const [draft, setDraft] = useState<string | null>(null);
  const [bad, setBad] = useState(false);
  useEffect(() => {
    setDraft(null);
    setBad(false);
  }, [value]);
  const finish = (keep: boolean): void => {
    if (draft === null || draft === value) {
      setBad(false);
      setDraft(null);
      return;
    }
    const accepted = accept(draft);
    setBad(!accepted && keep);
    if (accepted || !keep) setDraft(null);
  };
  return {
    type: "text",
    value: draft ?? value,
    "aria-invalid": bad,
    spellcheck: false,
    autocomplete: "off",
    onInput: (event) => {
      setDraft(event.currentTarget.value);
      setBad(false);
    },
    onKeyDown: (event) => {
      if (event.key === "Enter") finish(true);
      else if (event.key === "Escape") setDraft(null);
    },
    onBlur: () => finish(false),
  };
}
