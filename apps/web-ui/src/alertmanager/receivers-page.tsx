/** Trying things out before an alert does: whether receivers can be reached, and what a template makes of an alert. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { LabelMap } from "../format/labels.ts";
import { Badge, PageHead, useGradually, waitingFor } from "../shell/widgets.tsx";
import { changeAlertmanager, type ReceiverTest, useAlertmanager } from "./api.ts";
import { useHashSearch } from "./hash-router.ts";
import { LABELS_EXPECTED, parseLabels } from "./matchers.ts";

const FIRST_TEMPLATE = "{{ .CommonLabels.alertname }} is {{ .Status }}";
const AT_FIRST = 50;

/** The alert that things are tried out with. */
interface Example {
  /** Undefined for a text that is none. */
  readonly labels: LabelMap | undefined;
  readonly resolved: boolean;
}

export function ReceiversPage(): JSX.Element {
  const [search, setSearch] = useHashSearch();
  const text = search.get("labels") ?? "";
  const example: Example = { labels: parseLabels(text), resolved: search.get("resolved") === "true" };
  return (
    <>
      <PageHead
        title="Receivers"
        note="Tried out with an alert that does not exist: log and metrics hear nothing of it."
      />
      <div class="try-out example">
        <label class="wide">
          <span>Labels of the alert (TestAlert unless given)</span>
          <input
            type="text"
            value={text}
            placeholder='alertname="Down", severity="page"'
            data-first-input=""
            spellcheck={false}
            autocapitalize="off"
            aria-invalid={example.labels === undefined}
            onInput={(event) => setSearch({ labels: event.currentTarget.value })}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={example.resolved}
            onChange={(event) => setSearch({ resolved: event.currentTarget.checked ? "true" : "" })}
          />
          <span>It is over</span>
        </label>
      </div>
      {example.labels === undefined && <Problem>{LABELS_EXPECTED}</Problem>}
      <div class="columns">
        <ReceiverList example={example} />
        <TemplatePreview example={example} />
      </div>
    </>
  );
}

function ReceiverList({ example }: { example: Example }): JSX.Element {
  const asked = useAlertmanager<readonly { readonly name: string }[]>("receivers");
  const { shown, sentinel } = useGradually(asked.answer?.data ?? [], AT_FIRST);
  return (
    <section class="card" aria-label="Receivers">
      <div class="card-head">
        <h2>Who can be told</h2>
      </div>
      {waitingFor(asked, "the receivers")}
      <ul class="receivers">
        {shown.map(({ name }) => (
          <ReceiverItem key={name} name={name} example={example} />
        ))}
      </ul>
      {sentinel}
    </section>
  );
}

function ReceiverItem({ name, example }: { name: string; example: Example }): JSX.Element {
  const { result, problem, isWaiting, ask } = useTry<ReceiverTest>(
    `narthex/receivers/${encodeURIComponent(name)}/test`,
  );
  return (
    <li>
      <div class="receiver">
        <b>{name}</b>
        <button
          type="button"
          disabled={isWaiting || example.labels === undefined}
          onClick={() => void ask({ ...example })}
        >
          {isWaiting ? "Sending…" : "Send a test"}
          <span class="visually-hidden"> to {name}</span>
        </button>
      </div>
      <div role="status">
        {problem !== "" && <Problem>{problem}</Problem>}
        {result?.integrations.length === 0 && <p class="muted">It tells nobody: nothing was sent.</p>}
        {result?.integrations.map(({ integration, outcome, answer, error }) => (
          <p key={integration} class="outcome">
            <Badge tone={outcome === "sent" ? "good" : "bad"}>{outcome}</Badge>
            <code>{integration}</code>
            <span class="text">
              {error ?? [answer?.status === 0 ? "" : answer?.status, answer?.text].filter(Boolean).join(" ")}
            </span>
          </p>
        ))}
      </div>
    </li>
  );
}

function TemplatePreview({ example }: { example: Example }): JSX.Element {
  const [template, setTemplate] = useState(FIRST_TEMPLATE);
  const [html, setHtml] = useState(false);
  const { result, problem, isWaiting, ask } = useTry<{ output?: string; error?: string }>("narthex/templates/preview");
  const preview = (): void => {
    if (example.labels !== undefined) void ask({ ...example, template, html });
  };
  return (
    <form
      class="card try-out"
      onSubmit={(event) => {
        event.preventDefault();
        preview();
      }}
    >
      <div class="card-head">
        <h2>What a template says</h2>
      </div>
      <div class="padded">
        <label>
          <span>Template; those of the configuration are there, too</span>
          <textarea
            rows={5}
            value={template}
            spellcheck={false}
            autocapitalize="off"
            onInput={(event) => setTemplate(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
              event.preventDefault();
              preview();
            }}
          />
        </label>
        <p class="form-actions">
          <button type="submit" class="primary" disabled={isWaiting || example.labels === undefined}>
            Preview
          </button>
          <label class="check">
            <input type="checkbox" checked={html} onChange={(event) => setHtml(event.currentTarget.checked)} />
            <span>As HTML</span>
          </label>
        </p>
        <div role="status">
          {problem !== "" && <Problem>{problem}</Problem>}
          {result?.error !== undefined && <Problem>{result.error}</Problem>}
          {result?.output !== undefined && (
            <pre class="output">{result.output === "" ? "(nothing)" : result.output}</pre>
          )}
        </div>
      </div>
    </form>
  );
}

function Problem({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <p class="field-error" role="alert">
      {children}
    </p>
  );
}

/** Asks for one thing at a time, and keeps what came of it until it is asked again. */
function useTry<T>(path: string): {
  result: T | undefined;
  problem: string;
  isWaiting: boolean;
  ask: (body: object) => Promise<void>;
} {
  const [state, setState] = useState<{ result: T | undefined; problem: string; isWaiting: boolean }>({
    result: undefined,
    problem: "",
    isWaiting: false,
  });
  const ask = async (body: object): Promise<void> => {
    setState({ ...state, isWaiting: true });
    try {
      setState({ result: await changeAlertmanager<T>("POST", path, body), problem: "", isWaiting: false });
    } catch (error) {
      setState({ result: undefined, problem: (error as Error).message, isWaiting: false });
    }
  };
  return { ...state, ask };
}
