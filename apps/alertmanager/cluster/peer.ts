// The door to other Alertmanagers. What stands here is a cluster of one; gossip comes in by this interface.

/** Another member of the cluster, or this one. */
export interface PeerInfo {
  readonly name: string;
  readonly address: string;
}

/** This process as a member of a cluster. */
export interface Peer {
  readonly name: string;
  readonly status: "ready" | "settling" | "disabled";
  readonly members: readonly PeerInfo[];
  /** Place in the name-sorted list of members: the first one sends at once, each further one waits longer. */
  readonly position: number;
  /** Resolves once what the others know has arrived here; rejects with an error of its reason when `signal` aborts before. */
  untilReady(signal: AbortSignal): Promise<void>;
  /** Tells the others of a change: one encoded record of the state `key` (`sil` or `nfl`). */
  broadcast(key: "sil" | "nfl", record: Uint8Array): void;
  close(): Promise<void>;
}

/** Nobody else is there. */
export const lonePeer: Peer = {
  name: "",
  status: "disabled",
  members: [],
  position: 0,
  untilReady: () => Promise.resolve(),
  broadcast: () => {},
  close: () => Promise.resolve(),
};
