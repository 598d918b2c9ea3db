/** Runtime, build, and the Alertmanagers the server talks to. */
import type { ComponentChildren, JSX } from "preact";
import { useAnswer } from "../api/use-answer.ts";
import { formatTime } from "../format/time.ts";
import { href } from "../shell/router.ts";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { Ago, Badge, Notice, PageHead, waitingFor } from "../shell/widgets.tsx";

type Facts = Readonly<Record<string, string | number | boolean>>;

const RUNTIME: readonly (readonly [string, string])[] = [
  ["startTime", "Started"],
  ["CWD", "Working directory"],
  ["hostname", "Host"],
  ["serverTime", "Server time"],
  ["reloadConfigSuccess", "Last configuration reload"],
  ["lastConfigTime", "Configuration in force since"],
  ["storageRetention", "Samples are kept for"],
  ["corruptionCount", "Corruptions of the log"],
  ["goroutineCount", "Goroutines"],
  ["GOMAXPROCS", "GOMAXPROCS"],
  ["GOMEMLIMIT", "GOMEMLIMIT"],
  ["GOGC", "GOGC"],
  ["GODEBUG", "GODEBUG"],
];

const BUILD: readonly (readonly [string, string])[] = [
  ["version", "Version"],
  ["revision", "Revision"],
  ["branch", "Branch"],
  ["buildUser", "Built by"],
  ["buildDate", "Built on"],
  ["goVersion", "Runtime version"],
];

/** Runtime and build information. */
export function StatusPage(): JSX.Element {
  const runtime = useAnswer<Facts>("status/runtimeinfo", {}, 15_000);
  const build = useAnswer<Facts>("status/buildinfo");
  return (
    <>
      <PageHead title="Runtime & build" />
      <div class="columns">
        <section class="card">
          <div class="card-head">
            <h2>Runtime</h2>
          </div>
          {waitingFor(runtime, "runtime information")}
          {runtime.answer && <FactTable facts={runtime.answer.data} names={RUNTIME} />}
        </section>
        <section class="card">
          <div class="card-head">
            <h2>Build</h2>
          </div>
          {waitingFor(build, "build information")}
          {build.answer && <FactTable facts={build.answer.data} names={BUILD} />}
        </section>
      </div>
    </>
  );
}

function FactTable({ facts, names }: { facts: Facts; names: readonly (readonly [string, string])[] }): JSX.Element {
  const known = new Set(names.map(([key]) => key));
  const others = Object.keys(facts).filter((key) => !known.has(key));
  const rows = [...names, ...others.map((key) => [key, key] as const)].filter(
    ([key]) => facts[key] !== undefined && facts[key] !== "",
  );
  return (
    <table class="fact-table">
      <tbody>
        {rows.map(([key, title]) => (
          <tr key={key}>
            <th scope="row">{title}</th>
            <td>
              <FactValue value={facts[key]!} name={key} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function FactValue({ value, name }: { value: string | number | boolean; name: string }): ComponentChildren {
  const { useLocalTime } = useCell(settings);
  if (name === "reloadConfigSuccess") {
    return <Badge tone={value === true ? "good" : "bad"}>{value === true ? "successful" : "failed"}</Badge>;
  }
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) {
    const t = Date.parse(value);
    return (
      <>
        {formatTime(t - (t % 1000), useLocalTime)} {useLocalTime ? "" : "UTC "}
        {name !== "serverTime" && (
          <span class="muted">
            (<Ago time={value} />)
          </span>
        )}
      </>
    );
  }
  return String(value);
}

/** Where alerts are sent, and what relabeling dropped. */
export function AlertmanagersPage(): JSX.Element {
  const asked = useAnswer<{
    activeAlertmanagers: readonly { url: string }[];
    droppedAlertmanagers: readonly { url: string }[];
  }>("alertmanagers", {}, 30_000);
  const active = asked.answer?.data.activeAlertmanagers ?? [];
  const dropped = asked.answer?.data.droppedAlertmanagers ?? [];
  return (
    <>
      <PageHead title="Alertmanagers" note="Where this server sends its alerts." />
      {waitingFor(asked, "the Alertmanagers")}
      {asked.answer && active.length + dropped.length === 0 && (
        <Notice kind="empty" title="No Alertmanager is configured">
          <p>
            Alerts are evaluated and shown under{" "}
            <a href={href("alerts")} data-route="">
              Alerts
            </a>
            , but nobody is told. Name one under <code>alerting</code> in the{" "}
            <a href={href("config")} data-route="">
              configuration
            </a>
            .
          </p>
        </Notice>
      )}
      {active.length > 0 && <Urls title="Active" urls={active} />}
      {dropped.length > 0 && <Urls title="Dropped" urls={dropped} />}
    </>
  );
}

function Urls({ title, urls }: { title: string; urls: readonly { url: string }[] }): JSX.Element {
  return (
    <section class="card">
      <div class="card-head">
        <h2>{title}</h2>
      </div>
      <ul class="plain-list padded">
        {urls.map(({ url }) => (
          <li key={url}>
            <code>{url}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}
