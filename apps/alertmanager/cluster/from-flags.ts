// From the command line to a member of a cluster.
import { Counter, type Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";
import type { AlertmanagerFlags } from "../flags/flags.ts";
import type { Endpoint } from "./endpoint.ts";
import { GossipPeer } from "./gossip-peer.ts";
import { NetTransport } from "./net-transport.ts";
import { loadMemberTls, type MemberTls } from "./tls-config.ts";
import { type TlsCounters, TlsTransport } from "./tls-transport.ts";
import type { Transport } from "./transport.ts";

/** Undefined where the command line turns clustering off. Throws an error that says which flag cannot be used. */
export function gossipPeerOf(
  flags: AlertmanagerFlags,
  environment: { readonly clock: Clock; readonly logger: Logger; readonly registry: Registry },
): GossipPeer | undefined {
  if (flags.clusterListenAddress === "") return undefined;
  const logger = environment.logger.with({ component: "cluster" });
  const makeTransport = transportOf(flags, logger, environment.registry);
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
    transport: makeTransport,
    logger,
    registry: environment.registry,
  });
}

function transportOf(flags: AlertmanagerFlags, logger: Logger, registry: Registry): (bind: Endpoint) => Transport {
  const streamTimeoutMs = flags.clusterTcpTimeoutMs;
  if (flags.clusterTlsConfig === "") {
    const onError = (error: Error): void => logger.warn("The cluster's port reports an error", { err: error.message });
    return ({ host, port }) => new NetTransport({ host, port, streamTimeoutMs, onError });
  }
  let tls: MemberTls;
  try {
    tls = loadMemberTls(flags.clusterTlsConfig);
  } catch (error) {
    throw new Error(`unable to initialize TLS transport configuration for gossip mesh: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const counters = tlsCounters(registry);
  // Somebody who tries again and again must not fill the log.
  const onError = (error: Error): void => logger.debug("A TLS connection failed", { err: error.message });
  return ({ host, port }) => new TlsTransport({ host, port, tls, streamTimeoutMs, counters, onError });
}

function tlsCounters(registry: Registry): TlsCounters {
  const registers = [registry];
  const counter = (name: string, help: string): Counter =>
    new Counter({ name: `alertmanager_tls_transport_${name}_total`, help, registers });
  return {
    packetBytesSent: counter(
      "packet_bytes_sent",
      "The number of packet bytes sent to outgoing connections (excluding internal metadata).",
    ),
    packetBytesReceived: counter(
      "packet_bytes_received",
      "The number of packet bytes received from incoming connections (excluding internal metadata).",
    ),
    streamsOpened: counter("stream_connections_sent", "The number of stream connections sent."),
    streamsReceived: counter("stream_connections_received", "The number of stream connections received."),
    readErrors: counter("read_errors", "The number of errors encountered while reading from incoming connections."),
    writeErrors: new Counter({
      name: "alertmanager_tls_transport_write_errors_total",
      help: "The number of errors encountered while writing to outgoing connections.",
      labelNames: ["connection_type"],
      registers,
    }),
  };
}
