// Under which address a member tells others to reach it.
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { type Endpoint, formatEndpoint, ipBytes, isAnyHost, isLoopback, isUnroutable } from "./endpoint.ts";

/** An address of this machine. */
export interface LocalAddress {
  readonly host: string;
  /** Its interface leads to everywhere else. */
  readonly isDefault: boolean;
}

export interface AdvertiseOptions {
  readonly bind: Endpoint;
  /** Undefined: it is to be found out. */
  readonly advertise: Endpoint | undefined;
  readonly allowsPublic: boolean;
  /** Where the first peers are. */
  readonly peers: readonly string[];
  readonly local: readonly LocalAddress[];
}

/** `warnings` are for the log. */
export interface Advertised {
  readonly endpoint: Endpoint;
  readonly warnings: readonly string[];
}

/** Throws an error that says why there is none. */
export function advertisedEndpoint(options: AdvertiseOptions): Advertised {
  const { bind, advertise, peers } = options;
  if (advertise !== undefined && ipBytes(advertise.host) === undefined)
    throw new Error(`failed to parse advertise address "${advertise.host}"`);
  const endpoint = advertise ?? { host: isAnyHost(bind.host) ? found(options) : bind.host, port: bind.port };
  if (ipBytes(endpoint.host) === undefined) throw new Error(`failed to parse bind addr '${endpoint.host}'`);
  if (!isUnroutable(endpoint.host) || !peers.some(isElsewhere)) return { endpoint, warnings: [] };
  return {
    endpoint,
    warnings: [
      `this node advertises itself on an unroutable address ${formatEndpoint(endpoint)} and will be unreachable in the cluster: provide --cluster.advertise-address as a routable IP address`,
    ],
  };
}

function found({ allowsPublic, peers, local }: AdvertiseOptions): string {
  const reachable = local
    .filter(({ host }) => !isUnroutable(host) && !isLinkLocal(host))
    .toSorted(
      (a, b) =>
        Number(b.isDefault) - Number(a.isDefault) || Number(a.host.includes(":")) - Number(b.host.includes(":")),
    );
  const address = reachable.find(({ host }) => isPrivate(host)) ?? (allowsPublic ? reachable[0] : undefined);
  if (address !== undefined) return address.host;
  // Nobody is to be found, so that nobody needs to know; others may still come by way of this machine.
  if (peers.length === 0) return "127.0.0.1";
  throw new Error("no private IP found, explicit advertise addr not provided");
}

function isElsewhere(peer: string): boolean {
  const host = peer.slice(0, peer.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return !isLoopback(host);
}

/** Addresses that only one organisation uses, or machines of one network. */
function isPrivate(host: string): boolean {
  const [a, b] = ipBytes(host) as unknown as [number, number];
  if (host.includes(":")) return (a & 0xfe) === 0xfc;
  return (
    a === 10 ||
    (a === 172 && (b & 0xf0) === 16) ||
    (a === 192 && b === 168) ||
    (a === 100 && (b & 0xc0) === 64) ||
    (a === 198 && (b & 0xfe) === 18)
  );
}

function isLinkLocal(host: string): boolean {
  const [a, b] = ipBytes(host) as unknown as [number, number];
  return host.includes(":") ? a === 0xfe && (b & 0xc0) === 0x80 : a === 169 && b === 254;
}

/** Those of this machine. */
export function localAddresses(): LocalAddress[] {
  const defaults = defaultInterfaces();
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => ({ host: address, isDefault: defaults.has(name) })),
  );
}

/** Linux lists its routes in a file; elsewhere all interfaces are alike. */
function defaultInterfaces(): Set<string> {
  try {
    const rows = readFileSync("/proc/net/route", "latin1").split("\n").slice(1);
    return new Set(
      rows
        .map((row) => row.split("\t"))
        .filter(([, to]) => to === "00000000")
        .map(([name]) => name as string),
    );
  } catch {
    return new Set();
  }
}
