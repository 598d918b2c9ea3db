// What a member of a cluster counts.
import { Counter, Gauge, Histogram, type Registry } from "@narthex/client";

const STATE_KEYS = ["nfl", "sil"] as const;
/** Of a message of the program: everything, or one change. */
export type MessageType = "full_state" | "update";
const PING_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

/** What is looked up when it is asked for. */
export interface ClusterNumbers {
  readonly members: number;
  readonly missedPeers: number;
  readonly healthScore: number;
  readonly queued: number;
  readonly position: number;
}

export class ClusterMetrics {
  readonly joined: Counter;
  readonly left: Counter;
  readonly updated: Counter;
  readonly conflicts: Counter;
  readonly reconnections: Counter;
  readonly failedReconnections: Counter;
  readonly refreshes: Counter;
  readonly failedRefreshes: Counter;
  readonly pruned: Counter;
  readonly #received: Counter<["msg_type"]>;
  readonly #receivedBytes: Counter<["msg_type"]>;
  readonly #sent: Counter<["msg_type"]>;
  readonly #sentBytes: Counter<["msg_type"]>;
  readonly #alive: Counter<["peer"]>;
  readonly #pings: Histogram<["peer"]>;
  readonly #oversized: Readonly<Record<"sent" | "failure" | "dropped", Counter<["key"]>>>;
  readonly #oversizedSeconds: Histogram<["key"]>;

  constructor(registry: Registry, name: string, numbers: ClusterNumbers) {
    const registers = [registry];
    const counter = (suffix: string, help: string): Counter =>
      new Counter({ name: `alertmanager_${suffix}_total`, help, registers });
    const byType = (suffix: string, help: string): Counter<["msg_type"]> =>
      new Counter({ name: `alertmanager_cluster_messages_${suffix}_total`, help, labelNames: ["msg_type"], registers });
    const byKey = (suffix: string, help: string): Counter<["key"]> =>
      new Counter({
        name: `alertmanager_oversized_gossip_message_${suffix}_total`,
        help,
        labelNames: ["key"],
        registers,
      });
    const current = (suffix: string, help: string, value: () => number): void => {
      const gauge: Gauge = new Gauge({
        name: `alertmanager_${suffix}`,
        help,
        registers,
        collect: () => gauge.set(value()),
      });
    };
    this.joined = counter("cluster_peers_joined", "A counter of the number of peers that have joined.");
    this.left = counter("cluster_peers_left", "A counter of the number of peers that have left.");
    this.updated = counter("cluster_peers_update", "A counter of the number of peers that have updated metadata.");
    this.conflicts = counter(
      "cluster_peer_name_conflicts",
      "Total number of times memberlist has noticed conflicting peer names",
    );
    this.reconnections = counter("cluster_reconnections", "A counter of the number of cluster peer reconnections.");
    this.failedReconnections = counter(
      "cluster_reconnections_failed",
      "A counter of the number of failed cluster peer reconnection attempts.",
    );
    this.refreshes = counter("cluster_refresh_join", "A counter of the number of cluster peer joined via refresh.");
    this.failedRefreshes = counter(
      "cluster_refresh_join_failed",
      "A counter of the number of failed cluster peer joined attempts via refresh.",
    );
    this.pruned = counter("cluster_messages_pruned", "Total number of cluster messages pruned.");
    this.#received = byType("received", "Total number of cluster messages received.");
    this.#receivedBytes = byType("received_size", "Total size of cluster messages received.");
    this.#sent = byType("sent", "Total number of cluster messages sent.");
    this.#sentBytes = byType("sent_size", "Total size of cluster messages sent.");
    for (const each of [this.#received, this.#receivedBytes, this.#sent, this.#sentBytes])
      for (const type of ["full_state", "update"] as const) each.labels(type);
    this.#alive = new Counter({
      name: "alertmanager_cluster_alive_messages_total",
      help: "Total number of received alive messages.",
      labelNames: ["peer"],
      registers,
    });
    this.#pings = new Histogram({
      name: "alertmanager_cluster_pings_seconds",
      help: "Histogram of latencies for ping messages.",
      labelNames: ["peer"],
      buckets: PING_BUCKETS,
      registers,
    });
    this.#oversized = {
      sent: byKey("sent", "Number of oversized gossip message sent."),
      failure: byKey("failure", "Number of oversized gossip message sends that failed."),
      dropped: byKey("dropped", "Number of oversized gossip messages that were dropped due to a full message queue."),
    };
    this.#oversizedSeconds = new Histogram({
      name: "alertmanager_oversize_gossip_message_duration_seconds",
      help: "Duration of oversized gossip message requests.",
      labelNames: ["key"],
      registers,
    });
    for (const key of STATE_KEYS) {
      this.#oversizedSeconds.labels(key);
      for (const each of Object.values(this.#oversized)) each.labels(key);
    }
    new Gauge({
      name: "alertmanager_cluster_peer_info",
      help: "A metric with a constant '1' value labeled by peer name.",
      labelNames: ["peer"],
      registers,
    })
      .labels(name)
      .set(1);
    current("cluster_members", "Number indicating current number of members in cluster.", () => numbers.members);
    current(
      "cluster_failed_peers",
      "Number indicating the current number of failed peers in the cluster.",
      () => numbers.missedPeers,
    );
    current(
      "cluster_health_score",
      "Health score of the cluster. Lower values are better and zero means 'totally healthy'.",
      () => numbers.healthScore,
    );
    current("cluster_messages_queued", "Number of cluster messages which are queued.", () => numbers.queued);
    current(
      "peer_position",
      "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the cluster.",
      () => numbers.position,
    );
  }

  received(type: MessageType, bytes: number): void {
    this.#received.labels(type).inc();
    this.#receivedBytes.labels(type).inc(bytes);
  }

  sent(type: MessageType, bytes: number, times: number = 1): void {
    this.#sent.labels(type).inc(times);
    this.#sentBytes.labels(type).inc(bytes * times);
  }

  alive(peer: string): void {
    this.#alive.labels(peer).inc();
  }

  answered(peer: string, seconds: number): void {
    this.#pings.labels(peer).observe(seconds);
  }

  /** A peer that is no longer known is no longer told about, so that names do not add up. */
  forgotten(peer: string): void {
    this.#alive.remove(peer);
    this.#pings.remove(peer);
  }

  oversized(outcome: "sent" | "failure" | "dropped", key: string): void {
    this.#oversized[outcome].labels(key).inc();
  }

  oversizedTook(key: string, seconds: number): void {
    this.#oversizedSeconds.labels(key).observe(seconds);
  }
}
