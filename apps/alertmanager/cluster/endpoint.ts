// Addresses of members: `host:port` as people write them, 4 or 16 bytes as members tell each other.
import { isIP, isIPv4 } from "node:net";

/** Where a member listens, for packets and for streams alike. `host` is an IP address except where a name is still to be resolved. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, the host in brackets where it has colons itself. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Throws an error that says what is wrong with the address, in the reference's words. */
export function parseEndpoint(address: string): Endpoint {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(address);
  if (match === null) {
    const problem = /:.*:/.test(address) ? "too many colons in address" : "missing port in address";
    throw new Error(`address ${address}: ${problem}`);
  }
  const [, bracketed, plain, port] = match as unknown as [string, string | undefined, string | undefined, string];
  if (!/^\d{1,5}$/.test(port) || Number(port) > 0xffff) throw new Error(`address ${address}: invalid port`);
  return { host: bracketed ?? plain ?? "", port: Number(port) };
}

/** 4 bytes for an IPv4 address, 16 for an IPv6 one; undefined for what is neither. */
export function ipBytes(host: string): Uint8Array | undefined {
  const kind = isIP(host);
  if (kind === 0) return undefined;
  if (kind === 4) return Uint8Array.from(host.split("."), Number);
  const address = host.replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return ipBytes(mapped[1] as string);
  const [head, tail] = expanded(address).split("::") as [string, string | undefined];
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** An IPv4 address at the end becomes two groups. */
function expanded(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/** As Go prints addresses, or undefined for anything but 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return undefined;
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return bytes.subarray(12).join(".");
  const hex = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16),
  );
  // The longest run of at least two zero groups, the first of equals, is left out.
  let [runStart, runLength] = [-1, 1];
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (hex[start + length] === "0") length++;
    if (length > runLength) [runStart, runLength] = [start, length];
  }
  if (runStart < 0) return hex.join(":");
  return `${hex.slice(0, runStart).join(":")}::${hex.slice(runStart + runLength).join(":")}`;
}

/** `0.0.0.0`, `::`, or nothing. */
export function isAnyHost(host: string): boolean {
  return host === "" || (ipBytes(host)?.every((byte) => byte === 0) ?? false);
}

/** Addresses that others cannot reach. */
export function isUnroutable(host: string): boolean {
  return isLoopback(host) || isAnyHost(host);
}

/** Of this machine only. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const bytes = ipBytes(host);
  if (bytes === undefined) return false;
  return isIPv4(host) ? bytes[0] === 127 : ipText(bytes) === "::1";
}
