// From the peers of the command line to addresses: names are looked up, and again later, since their addresses change.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";

/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 64;

export type LookUp = (host: string) => Promise<readonly string[]>;

export async function systemLookUp(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** What the peers stand for now. Names that are not known, or not in time, stay as they are: others may be reached meanwhile. */
export async function resolvePeers(
  peers: readonly string[],
  timeoutMs: number,
  lookUp: LookUp = systemLookUp,
): Promise<Endpoint[]> {
  const resolved = await Promise.all(peers.map((peer) => resolvePeer(parseEndpoint(peer), timeoutMs, lookUp)));
  return [...new Map(resolved.flat().map((endpoint) => [formatEndpoint(endpoint), endpoint])).values()];
}

async function resolvePeer(peer: Endpoint, timeoutMs: number, lookUp: LookUp): Promise<Endpoint[]> {
  const { host, port } = peer;
  if (isIP(host) !== 0) return [peer];
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), timeoutMs);
  });
  try {
    const hosts = await Promise.race([lookUp(host), timeout]);
    if (hosts.length > 0) return hosts.slice(0, MAX_ADDRESSES).map((each) => ({ host: each, port }));
  } catch {
    // As if there were none.
  } finally {
    clearTimeout(timer);
  }
  return [peer];
}
