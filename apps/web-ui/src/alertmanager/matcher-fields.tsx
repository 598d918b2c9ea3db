/** The matchers of a form. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../shell/icons.tsx";
import { IconButton } from "../shell/widgets.tsx";
import { merged } from "./filter-bar.tsx";
import { type Matcher, type MatchOperator, OPERATORS, parseMatchers } from "./matchers.ts";

/** A row in which nothing is typed yet. */
export const EMPTY_MATCHER: Matcher = { name: "", operator: "=", value: "" };

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
        <button type="button" onClick={() => onChange([...matchers, EMPTY_MATCHER])}>
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

/** What is wrong with a silence's matchers, in a sentence; empty for nothing. */
export function matcherProblem(matchers: readonly Matcher[]): string {
  if (matchers.length === 0) return "A silence needs at least one matcher";
  const nameless = matchers.find(({ name }) => name === "");
  return nameless === undefined ? "" : `The matcher of the value ${JSON.stringify(nameless.value)} needs a label`;
}
