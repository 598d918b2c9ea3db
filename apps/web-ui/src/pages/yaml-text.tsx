/** A YAML text, coloured. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { yamlSpans } from "./yaml-spans.ts";

/** Lines that are coloured; a longer rest is shown plain. */
const COLOURED_LINES = 5000;

export function YamlText({ text }: { text: string }): JSX.Element {
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n"), [text]);
  return (
    <pre class="yaml">
      {lines.slice(0, COLOURED_LINES).map((line, i) => (
        <span key={i}>
          {yamlSpans(line).map(({ kind, text: part }, j) =>
            kind === "plain" ? (
              part
            ) : (
              <span key={j} class={`yaml-${kind}`}>
                {part}
              </span>
            ),
          )}
          {"\n"}
        </span>
      ))}
      {lines.slice(COLOURED_LINES).join("\n")}
    </pre>
  );
}
