/** Warns when this computer and the server disagree on the time, which makes "now" mean two things. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { QueryData } from "../api/answers.ts";
import { ask } from "../api/client.ts";
import { humanSpan } from "../format/duration.ts";
import { Notice } from "../shell/widgets.tsx";

const TOLERANCE_MS = 30_000;

/** Nothing, or the warning. Asked once per visit of the page. */
export function ClockSkew(): JSX.Element | null {
  const [skewMs, setSkewMs] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const before = Date.now();
    ask<QueryData>("query", { query: "time()" }, { form: true, signal: abort.signal }).then(
      ({ data }) => {
        if (data.resultType !== "scalar") return;
        setSkewMs((before + Date.now()) / 2 - data.result[0] * 1000);
      },
      () => undefined,
    );
    return () => abort.abort();
  }, []);
  if (Math.abs(skewMs) <= TOLERANCE_MS) return null;
  return (
    <Notice
      kind="warn"
      title={`The clocks of this computer and the server differ by ${humanSpan(Math.abs(skewMs))}`}
      onClose={() => setSkewMs(0)}
    >
      <p>
        This computer is {skewMs > 0 ? "ahead" : "behind"}. Graphs that end now may lack their newest part or look empty
        until one of the clocks is set.
      </p>
    </Notice>
  );
}
