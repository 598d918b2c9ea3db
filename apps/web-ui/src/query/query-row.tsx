/** The line where an expression is typed and run, with what else can be done to it. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { asApiError } from "../api/use-answer.ts";
import { Icon } from "../shell/icons.tsx";
import { queryHistory, rememberQuery } from "../shell/query-history.ts";
import { toast } from "../shell/toasts.tsx";
import { IconButton } from "../shell/widgets.tsx";
import { ExpressionBox } from "./expression-box.tsx";
import { MetricsDialog } from "./metrics-dialog.tsx";

/** Expression, Run and the tools beside it. `badge` stands in front, such as a query's letter. */
export function QueryRow(props: {
  label: string;
  expr: string;
  focus: boolean;
  loading: boolean;
  invalid: boolean;
  badge?: ComponentChildren;
  onRun: (expr: string) => void;
  onDuplicate: () => void;
  onRemove: (() => void) | null;
}): JSX.Element {
  // What is typed lives in a ref: fed back as a value, it would race with the next keystroke. `given` is what comes
  // from outside (the address, the formatter, the list of metrics) and replaces what was typed.
  const draft = useRef(props.expr);
  const [given, setGiven] = useState({ text: props.expr });
  const give = (text: string): void => {
    draft.current = text;
    setGiven({ text });
  };
  const [metricsOpen, setMetricsOpen] = useState(false);
  useEffect(() => {
    if (draft.current.trim() !== props.expr) give(props.expr);
  }, [props.expr]);
  const run = (expr: string): void => {
    rememberQuery(expr);
    props.onRun(expr.trim());
  };
  const format = async (): Promise<void> => {
    if (draft.current.trim() === "") return;
    try {
      const { data } = await ask<string>("format_query", { query: draft.current }, { form: true });
      give(data);
      toast("Expression formatted");
    } catch (error) {
      toast(`Error formatting query: ${asApiError(error).message}`, "error");
    }
  };
  return (
    <div class="query-row">
      {props.badge}
      <ExpressionBox
        given={given}
        label={props.label}
        focus={props.focus}
        invalid={props.invalid}
        onDraft={(text) => {
          draft.current = text;
        }}
        onRun={run}
      />
      <button type="button" class="primary run" aria-busy={props.loading} onClick={() => run(draft.current)}>
        {props.loading ? "Running" : "Run"}
      </button>
      <div class="query-tools">
        <IconButton icon="list" label="Explore metrics" onClick={() => setMetricsOpen(true)} />
        <HistoryMenu
          onPick={(expr) => {
            give(expr);
            run(expr);
          }}
        />
        <IconButton icon="format" label="Format expression" onClick={format} />
        <IconButton icon="copy" label="Duplicate query" onClick={props.onDuplicate} />
        <IconButton
          icon="trash"
          label="Remove query"
          disabled={props.onRemove === null}
          onClick={() => props.onRemove?.()}
        />
      </div>
      <MetricsDialog
        open={metricsOpen}
        onClose={() => setMetricsOpen(false)}
        onPick={(name) => {
          setMetricsOpen(false);
          const before = draft.current.trimEnd();
          give(before === "" ? name : `${before} ${name}`);
        }}
      />
    </div>
  );
}

/** Past queries of this browser, in a list below its button. */
function HistoryMenu({ onPick }: { onPick: (expr: string) => void }): JSX.Element {
  const [entries, setEntries] = useState<readonly string[] | null>(null);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = root.current;
    if (!entries || !element) return;
    element.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const onAway = (event: Event): void => {
      if (!element.contains(event.target as Node)) setEntries(null);
    };
    const onKey = (event: KeyboardEvent): void => {
      const items = [...element.querySelectorAll<HTMLElement>("[role=menuitem]")];
      const at = items.indexOf(document.activeElement as HTMLElement);
      if (event.key === "Escape" || event.key === "Tab") {
        setEntries(null);
        element.querySelector<HTMLElement>("button")?.focus();
      } else if (event.key === "ArrowDown") items[Math.min(items.length - 1, at + 1)]?.focus();
      else if (event.key === "ArrowUp") items[Math.max(0, at - 1)]?.focus();
      else return;
      if (event.key !== "Tab") event.preventDefault();
    };
    addEventListener("pointerdown", onAway);
    element.addEventListener("keydown", onKey);
    return () => {
      removeEventListener("pointerdown", onAway);
      element.removeEventListener("keydown", onKey);
    };
  }, [entries]);
  return (
    <div ref={root} class="menu-root">
      <button
        type="button"
        class="plain"
        aria-label="Query history"
        title="Query history"
        aria-haspopup="menu"
        aria-expanded={entries !== null}
        onClick={() => setEntries(entries ? null : queryHistory())}
      >
        <Icon name="history" />
      </button>
      {entries && (
        <div class="menu" role="menu" aria-label="Past queries">
          {entries.length === 0 && <p class="note">Queries that you run are remembered here, in this browser only.</p>}
          {entries.map((entry) => (
            <button
              key={entry}
              type="button"
              role="menuitem"
              tabIndex={-1}
              title={entry}
              onClick={() => {
                setEntries(null);
                onPick(entry);
              }}
            >
              {entry}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
