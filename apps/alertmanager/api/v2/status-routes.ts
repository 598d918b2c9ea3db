// `/api/v2/status` and `/api/v2/receivers`.
import { VERSION_INFO } from "../../build-info.ts";
import { Moment } from "../../moment/moment.ts";
import { goJson } from "../../template/go-json.ts";
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext } from "./api-context.ts";
import { filtersOf, passesFilters } from "./filters.ts";

export function getStatus(exchange: Exchange, { peer, startedAt, state }: ApiContext): void {
  const peers = [...peer.members]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ address, name }) => ({ address, name }));
  const status = {
    cluster: { name: peer.name === "" ? undefined : peer.name, peers, status: peer.status },
    config: { original: state().config.yaml },
    uptime: Moment.fromMs(startedAt.getTime()).toRfc3339Millis(),
    versionInfo: VERSION_INFO,
  };
  exchange.json(200, `${goJson(status, false)}\n`);
}

export function getReceivers(exchange: Exchange, { grammar, state }: ApiContext): void {
  const filters = filtersOf(exchange.query, "receiver_matchers", grammar, "failed to parse receiver_matchers param: ");
  const receivers = state()
    .config.receivers.filter(({ labels }) => passesFilters(filters, labels))
    .map(({ name, labels }) => ({ labels, name }));
  exchange.json(200, `${goJson(receivers, false)}\n`);
}
