/** The configuration in force, as the server read it: secrets hidden, defaults filled in. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/use-answer.ts";
import { Icon } from "../shell/icons.tsx";
import { copyText } from "../shell/toasts.tsx";
import { PageHead, waitingFor } from "../shell/widgets.tsx";
import { yamlSpans } from "./yaml-spans.ts";

/** Lines that are coloured; a longer rest is shown plain. */
const COLOURED_LINES = 5000;

/** The page. */
export function ConfigPage(): JSX.Element {
  const asked = useAnswer<{ yaml: string }>("status/config");
  const yaml = asked.answer?.data.yaml ?? "";
  const lines = useMemo(() => yaml.replace(/\n$/, "").split("\n"), [yaml]);
  return (
    <>
      <PageHead title="Configuration" note="As the server read it: defaults filled in, secrets hidden.">
        {yaml !== "" && (
          <button type="button" onClick={() => copyText(yaml, "Configuration copied")}>
            <Icon name="copy" />
            Copy
          </button>
        )}
      </PageHead>
      {waitingFor(asked, "the configuration")}
      {asked.answer && (
        <section class="card" aria-label="Configuration">
          <pre class="yaml">
            {lines.slice(0, COLOURED_LINES).map((line, i) => (
              <span key={i}>
                {yamlSpans(line).map(({ kind, text }, j) =>
                  kind === "plain" ? (
                    text
                  ) : (
                    <span key={j} class={`yaml-${kind}`}>
                      {text}
                    </span>
                  ),
                )}
                {"\n"}
              </span>
            ))}
            {lines.slice(COLOURED_LINES).join("\n")}
          </pre>
        </section>
      )}
    </>
  );
}
