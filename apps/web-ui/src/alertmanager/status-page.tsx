/** What program this is, its cluster, and the configuration in force. */
import type { JSX } from "preact";
import { formatTime } from "../format/time.ts";
import { YamlText } from "../pages/yaml-text.tsx";
import { Icon } from "../shell/icons.tsx";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { copyText } from "../shell/toasts.tsx";
import { Ago, Badge, PageHead, waitingFor } from "../shell/widgets.tsx";
import { type Status, useAlertmanager } from "./api.ts";

export function StatusPage(): JSX.Element | null {
  const asked = useAlertmanager<Status>("status", {}, 15_000);
  const { useLocalTime } = useCell(settings);
  const status = asked.answer?.data;
  if (status === undefined) return waitingFor(asked, "the status");
  const { cluster, versionInfo, uptime, config } = status;
  const peers = cluster.peers ?? [];
  return (
    <>
      <PageHead title="Status" />
      <div class="columns">
        <section class="card">
          <div class="card-head">
            <h2>Program</h2>
          </div>
          <table class="fact-table">
            <tbody>
              <tr>
                <th scope="row">Up since</th>
                <td>
                  {formatTime(Date.parse(uptime), useLocalTime)} (<Ago time={uptime} />)
                </td>
              </tr>
              {Object.entries(versionInfo).map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <section class="card">
          <div class="card-head">
            <h2>Cluster</h2>
            <Badge tone={cluster.status === "ready" ? "good" : cluster.status === "disabled" ? "quiet" : "warn"}>
              {cluster.status}
            </Badge>
          </div>
          <table class="fact-table">
            <tbody>
              {cluster.name && (
                <tr>
                  <th scope="row">This member</th>
                  <td>{cluster.name}</td>
                </tr>
              )}
              {peers.map(({ name, address }) => (
                <tr key={name}>
                  <th scope="row">{address}</th>
                  <td>{name}</td>
                </tr>
              ))}
              {peers.length === 0 && (
                <tr>
                  <td>No members are known.</td>
                </tr>
              )}
            </tbody>
          </table>
        </section>
      </div>
      <section class="card">
        <div class="card-head">
          <h2>Configuration</h2>
          <button type="button" class="count" onClick={() => copyText(config.original, "Configuration copied")}>
            <Icon name="copy" />
            Copy
          </button>
        </div>
        <YamlText text={config.original} />
      </section>
    </>
  );
}
