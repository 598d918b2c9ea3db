/** What a query came back with besides data: errors with their place, warnings, notices, and why nothing came. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api/client.ts";
import { excerpt, placeOf } from "../api/error-position.ts";
import { humanSpan } from "../format/duration.ts";
import { formatTime } from "../format/time.ts";
import { href } from "../shell/router.ts";
import { LOOKBACK_MS } from "../shell/server-facts.ts";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { Notice } from "../shell/widgets.tsx";
import type { PanelState } from "../state/page-state.ts";
import { metricNames } from "./metric-list.ts";
import { metricNamesIn, soundsLike } from "./metric-names.ts";

/** An error, pointing into the expression where the server names a place. */
export function QueryError(props: { error: ApiError; expr: string; onTable: (() => void) | null }): JSX.Element {
  const { error, expr } = props;
  const place = error.kind === "answer" ? placeOf(error.message) : null;
  const title = place
    ? `Error in the expression at line ${place.line}, column ${place.column}`
    : error.kind === "answer"
      ? "Error executing query"
      : error.message;
  const rangeVector = /range vector.*must be Scalar or instant Vector/i.test(error.message);
  return (
    <Notice kind="error" title={title}>
      {error.kind === "answer" && <p class="message">{place ? place.message : error.message}</p>}
      {place && <Marked expr={expr} place={place} />}
      {rangeVector && props.onTable && (
        <p>
          A range such as <code>[5m]</code> has many values per instant, which a graph cannot draw. Put it into a
          function such as <code>rate(…)</code>, or{" "}
          <button type="button" class="link" onClick={props.onTable}>
            show it as a table
          </button>
          .
        </p>
      )}
      {error.errorType === "timeout" && <p>Ask for a shorter range, fewer series, or a lower resolution.</p>}
      {error.kind === "network" && <p>Is the server still running? The query can be run again at any time.</p>}
    </Notice>
  );
}

function Marked({
  expr,
  place,
}: {
  expr: string;
  place: { line: number; column: number; message: string };
}): JSX.Element {
  const { before, at, after } = excerpt(expr, place);
  return (
    <pre class="marked">
      {before}
      <mark>{at || " "}</mark>
      {after}
    </pre>
  );
}

/** Warnings and notices of an answer, unless the user switched them off. */
export function Annotations(props: { warnings: readonly string[]; infos: readonly string[] }): JSX.Element | null {
  const { showQueryWarnings, showQueryInfoNotices } = useCell(settings);
  const warnings = showQueryWarnings ? props.warnings : [];
  const infos = showQueryInfoNotices ? props.infos : [];
  if (warnings.length + infos.length === 0) return null;
  return (
    <>
      {warnings.length > 0 && (
        <Lines kind="warn" title={warnings.length === 1 ? "Warning" : `${warnings.length} warnings`} lines={warnings} />
      )}
      {infos.length > 0 && (
        <Lines kind="info" title={infos.length === 1 ? "Notice" : `${infos.length} notices`} lines={infos} />
      )}
    </>
  );
}

function Lines({
  kind,
  title,
  lines,
}: {
  kind: "warn" | "info";
  title: string;
  lines: readonly string[];
}): JSX.Element {
  return (
    <Notice kind={kind} title={title}>
      <ul class="plain-list">
        {lines.slice(0, 10).map((line) => (
          <li key={line}>{line.replace(/^PromQL (?:warning|info): /, "")}</li>
        ))}
        {lines.length > 10 && <li>and {lines.length - 10} more</li>}
      </ul>
    </Notice>
  );
}

/** Explains an empty result: names no server knows, or nothing at that time. */
export function EmptyResult(props: { expr: string; panel: PanelState; onExpr: (expr: string) => void }): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const [unknown, setUnknown] = useState<{ name: string; near: string[] }[]>([]);
  const { expr, panel } = props;
  useEffect(() => {
    let gone = false;
    setUnknown([]);
    metricNames().then(
      (known) => {
        const present = new Set(known);
        const missing = metricNamesIn(expr).filter((name) => !present.has(name));
        if (!gone) setUnknown(missing.slice(0, 3).map((name) => ({ name, near: soundsLike(name, known) })));
      },
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [expr]);
  const end = panel.endTime === null ? "now" : formatTime(panel.endTime, useLocalTime);
  return (
    <Notice kind="empty" title="Empty query result">
      {unknown.length === 0 && (
        <p>
          The query is fine, but nothing matches it{" "}
          {panel.tab === "graph"
            ? `in the ${humanSpan(panel.rangeMs)} up to ${end}.`
            : `${panel.endTime === null ? "right now" : `at ${end}`}.`}{" "}
          {`A series counts for ${humanSpan(LOOKBACK_MS)} after its last sample; a comparison such as > 0 leaves out what is false.`}
        </p>
      )}
      {unknown.map(({ name, near }) => (
        <p key={name}>
          No metric is called <code>{name}</code>.{" "}
          {near.length > 0 ? (
            <>
              Did you mean{" "}
              {near.map((candidate, i) => (
                <span key={candidate}>
                  {i > 0 && (i === near.length - 1 ? " or " : ", ")}
                  <button type="button" class="link" onClick={() => props.onExpr(replaceName(expr, name, candidate))}>
                    <code>{candidate}</code>
                  </button>
                </span>
              ))}
              ?
            </>
          ) : (
            <>
              What is scraped stands under{" "}
              <a href={href("targets")} data-route="">
                Targets
              </a>
              .
            </>
          )}
        </p>
      ))}
    </Notice>
  );
}

function replaceName(expr: string, name: string, replacement: string): string {
  return expr.replace(new RegExp(`(?<![\\w:])${name}(?![\\w:])`, "g"), replacement);
}
