// What a cluster counts; all of it stands at its start until there are others.
import { Counter, Gauge, Histogram, type Registry } from "@narthex/client";

/** Names of the reference without their prefix, and their texts. */
const COUNTERS: Readonly<Record<string, string>> = {
  cluster_peer_name_conflicts_total: "Total number of times memberlist has noticed conflicting peer names",
  cluster_peers_joined_total: "A counter of the number of peers that have joined.",
  cluster_peers_left_total: "A counter of the number of peers that have left.",
  cluster_peers_update_total: "A counter of the number of peers that have updated metadata.",
  cluster_reconnections_failed_total: "A counter of the number of failed cluster peer reconnection attempts.",
  cluster_reconnections_total: "A counter of the number of cluster peer reconnections.",
  cluster_refresh_join_failed_total: "A counter of the number of failed cluster peer joined attempts via refresh.",
  cluster_refresh_join_total: "A counter of the number of cluster peer joined via refresh.",
};
const MESSAGE_COUNTERS: Readonly<Record<string, string>> = {
  cluster_messages_received_size_total: "Total size of cluster messages received.",
  cluster_messages_received_total: "Total number of cluster messages received.",
  cluster_messages_sent_size_total: "Total size of cluster messages sent.",
  cluster_messages_sent_total: "Total number of cluster messages sent.",
};
const OVERSIZED_COUNTERS: Readonly<Record<string, string>> = {
  oversized_gossip_message_dropped_total:
    "Number of oversized gossip messages that were dropped due to a full message queue.",
  oversized_gossip_message_failure_total: "Number of oversized gossip message sends that failed.",
  oversized_gossip_message_sent_total: "Number of oversized gossip message sent.",
};
const GAUGES: Readonly<Record<string, string>> = {
  cluster_failed_peers: "Number indicating the current number of failed peers in the cluster.",
  cluster_health_score: "Health score of the cluster. Lower values are better and zero means 'totally healthy'.",
  cluster_messages_queued: "Number of cluster messages which are queued.",
  peer_position:
    "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the cluster.",
};
const STATE_KEYS = ["nfl", "sil"];

/** Adds the metrics of a member of a cluster. */
export function addClusterMetrics(registry: Registry, members: () => number): void {
  const registers = [registry];
  const described = (names: Readonly<Record<string, string>>): { name: string; help: string }[] =>
    Object.entries(names).map(([name, help]) => ({ name: `alertmanager_${name}`, help }));
  for (const each of described(COUNTERS)) new Counter({ ...each, registers });
  for (const each of described(GAUGES)) new Gauge({ ...each, registers });
  for (const each of described(MESSAGE_COUNTERS)) {
    const counter = new Counter({ ...each, labelNames: ["msg_type"], registers });
    for (const type of ["full_state", "update"]) counter.labels(type);
  }
  for (const each of described(OVERSIZED_COUNTERS)) {
    const counter = new Counter({ ...each, labelNames: ["key"], registers });
    for (const key of STATE_KEYS) counter.labels(key);
  }
  new Counter({
    name: "alertmanager_cluster_messages_pruned_total",
    help: "Total number of cluster messages pruned.",
    registers,
  });
  new Counter({
    name: "alertmanager_cluster_alive_messages_total",
    help: "Total number of received alive messages.",
    labelNames: ["peer"],
    registers,
  });
  const membersGauge: Gauge = new Gauge({
    name: "alertmanager_cluster_members",
    help: "Number indicating current number of members in cluster.",
    registers,
    collect: () => membersGauge.set(members()),
  });
  const duration = new Histogram({
    name: "alertmanager_oversize_gossip_message_duration_seconds",
    help: "Duration of oversized gossip message requests.",
    labelNames: ["key"],
    registers,
  });
  for (const key of STATE_KEYS) duration.labels(key);
}
