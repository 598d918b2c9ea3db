/** The filter: matchers as chips, and a field that adds more of them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../shell/icons.tsx";
import { formatMatcher, formatMatchers, type Matcher, parseMatchers } from "./matchers.ts";

/** `value` is the text in the address; one that cannot be read is shown as it is, to be mended. */
export function FilterBar(props: { value: string; label: string; onChange: (value: string) => void }): JSX.Element {
  const matchers = parseMatchers(props.value);
  const [draft, setDraft] = useState("");
  const [isWrong, setWrong] = useState(false);
  const text = matchers === undefined && draft === "" ? props.value : draft;
  const change = (next: readonly Matcher[]): void => props.onChange(formatMatchers(next));
  const add = (): void => {
    const added = parseMatchers(text);
    setWrong(added === undefined);
    if (added === undefined || added.length === 0) return;
    setDraft("");
    change(merged(matchers ?? [], added));
  };
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <div class="filter-box">
        <Icon name="search" />
        {(matchers ?? []).map((matcher, i) => (
          <button
            key={formatMatcher(matcher)}
            type="button"
            class="matcher"
            title="Take this matcher away"
            aria-label={`Take away ${formatMatcher(matcher)}`}
            onClick={() => change((matchers ?? []).filter((_, j) => j !== i))}
          >
            <MatcherText matcher={matcher} />
            <Icon name="close" />
          </button>
        ))}
        <input
          type="text"
          aria-label={props.label}
          aria-invalid={isWrong || (matchers === undefined && draft === "")}
          placeholder={(matchers ?? []).length === 0 ? 'Filter: severity="page", job=~"node.*"' : "and …"}
          value={text}
          data-first-input=""
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          onInput={(event) => {
            setDraft(event.currentTarget.value);
            setWrong(false);
          }}
          onKeyDown={(event) => {
            if (event.key === "Backspace" && text === "" && matchers !== undefined && matchers.length > 0)
              change(matchers.slice(0, -1));
          }}
          onBlur={() => draft !== "" && add()}
        />
      </div>
      {isWrong && (
        <p class="field-error" role="alert">
          A matcher is <code>name="value"</code>, with <code>=</code>, <code>!=</code>, <code>=~</code> or{" "}
          <code>!~</code>; several are parted by commas.
        </p>
      )}
    </form>
  );
}

/** One matcher, its parts told apart. */
export function MatcherText({ matcher }: { matcher: Matcher }): JSX.Element {
  return (
    <span class="matcher-text">
      <i>{matcher.name}</i>
      {matcher.operator}
      {matcher.value === "" ? '""' : matcher.value}
    </span>
  );
}

/** Without doubles. */
export function merged(matchers: readonly Matcher[], added: readonly Matcher[]): Matcher[] {
  const known = new Set(matchers.map(formatMatcher));
  return [...matchers, ...added.filter((matcher) => !known.has(formatMatcher(matcher)))];
}
