// From the command line to a member of a cluster.
import type { Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";
import type { AlertmanagerFlags } from "../flags/flags.ts";
import { GossipPeer } from "./gossip-peer.ts";
import { NetTransport } from "./net-transport.ts";

/** Undefined where the command line turns clustering off. Throws an error that says which flag cannot be used. */
export function gossipPeerOf(
  flags: AlertmanagerFlags,
  environment: { readonly clock: Clock; readonly logger: Logger; readonly registry: Registry },
): GossipPeer | undefined {
  if (flags.clusterListenAddress === "") return undefined;
  const logger = environment.logger.with({ component: "cluster" });
  if (flags.clusterTlsConfig !== "")
    throw new Error("--cluster.tls-config is not supported yet, and peers must not talk unprotected instead");
  return new GossipPeer({
    name: flags.clusterPeerName,
    label: flags.clusterLabel,
    listenAddress: flags.clusterListenAddress,
    advertiseAddress: flags.clusterAdvertiseAddress,
    allowsPublicAddress: flags.clusterAllowInsecureAdvertise,
    peers: flags.clusterPeers,
    resolveTimeoutMs: flags.clusterPeersResolveTimeoutMs,
    gossipIntervalMs: flags.clusterGossipIntervalMs,
    pushPullIntervalMs: flags.clusterPushPullIntervalMs,
    streamTimeoutMs: flags.clusterTcpTimeoutMs,
    probeTimeoutMs: flags.clusterProbeTimeoutMs,
    probeIntervalMs: flags.clusterProbeIntervalMs,
    settleTimeoutMs: flags.clusterSettleTimeoutMs,
    reconnectIntervalMs: flags.clusterReconnectIntervalMs,
    reconnectTimeoutMs: flags.clusterReconnectTimeoutMs,
    clock: environment.clock,
    transport: ({ host, port }) =>
      new NetTransport({
        host,
        port,
        streamTimeoutMs: flags.clusterTcpTimeoutMs,
        onError: (error) => logger.warn("The cluster's port reports an error", { err: error.message }),
      }),
    logger,
    registry: environment.registry,
  });
}
