/** Which alerts pass matchers right now. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { groupDigits } from "../format/number.ts";
import { ApiNotice, Labels, Loading, useGradually } from "../shell/widgets.tsx";
import { type Alert, useAlertmanager } from "./api.ts";
import { hashHref } from "./hash-router.ts";
import { formatMatcher, type Matcher } from "./matchers.ts";

const AT_FIRST = 20;
const NONE: readonly Alert[] = [];

export function SilencePreview({ matchers }: { matchers: readonly Matcher[] }): JSX.Element {
  const filter = matchers.map(formatMatcher);
  const asked = useAlertmanager<readonly Alert[]>(matchers.length === 0 ? null : "alerts", { filter }, 15_000);
  const alerts = asked.answer?.data ?? NONE;
  const sorted = useMemo(() => [...alerts].sort(byName), [alerts]);
  const { shown, sentinel } = useGradually(sorted, AT_FIRST);
  if (matchers.length === 0) return <p class="muted">No matchers yet: a silence needs at least one.</p>;
  return (
    <section class="preview" aria-live="polite">
      <h2>
        {asked.answer
          ? alerts.length === 0
            ? "No alert passes these matchers now"
            : `${groupDigits(alerts.length)} ${alerts.length === 1 ? "alert passes" : "alerts pass"} these matchers now`
          : "Alerts that pass"}
      </h2>
      {asked.error && <ApiNotice error={asked.error} what="the alerts" retry={asked.reload} />}
      {!asked.answer && !asked.error && <Loading />}
      <ul class="preview-list">
        {shown.map(({ fingerprint, labels }) => {
          const { alertname = "(no name)", ...others } = labels;
          return (
            <li key={fingerprint}>
              <a href={hashHref("alerts", { alert: fingerprint, silenced: "true", inhibited: "true", muted: "true" })}>
                {alertname}
              </a>{" "}
              <Labels labels={others} />
            </li>
          );
        })}
      </ul>
      {sentinel}
    </section>
  );
}

function byName(a: Alert, b: Alert): number {
  const [nameA = "", nameB = ""] = [a.labels["alertname"], b.labels["alertname"]];
  return nameA === nameB ? (a.fingerprint < b.fingerprint ? -1 : 1) : nameA < nameB ? -1 : 1;
}
