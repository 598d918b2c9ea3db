// What Linux says of this process in /proc/self. Elsewhere these files are not there, and then nothing is known.
import { readdirSync, readFileSync } from "node:fs";

/** A file, "" when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not Linux, or not allowed: then there is nothing to say.
    return "";
  }
}

/** Numbers of /proc/self/status by name; sizes in bytes. */
export function parseStatus(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^(\w+):\s+([0-9]+)( kB)?$/.exec(line);
    if (match !== null) values.set(match[1] as string, Number(match[2]) * (match[3] === undefined ? 1 : 1024));
  }
  return values;
}

/** The soft limit of a line of /proc/self/limits; no limit is the largest 64-bit number, as elsewhere. */
export function parseLimit(text: string, name: string): number | undefined {
  const line = text.split("\n").find((candidate) => candidate.startsWith(name));
  const value = line?.slice(name.length).trim().split(/\s+/)[0];
  if (value === undefined) return undefined;
  return value === "unlimited" ? 2 ** 64 : Number(value);
}

/** The IpExt counters of the network namespace: a line of names, then one of values. */
export function parseNetwork(text: string): { received: number; sent: number } | undefined {
  const [names, values] = text
    .split("\n")
    .filter((line) => line.startsWith("IpExt:"))
    .map((line) => line.split(" "));
  const received = names?.indexOf("InOctets") ?? -1;
  const sent = names?.indexOf("OutOctets") ?? -1;
  if (values === undefined || received < 0 || sent < 0) return undefined;
  return { received: Number(values[received]), sent: Number(values[sent]) };
}

/** Open file descriptors, undefined when they cannot be counted. */
export function countFileDescriptors(): number | undefined {
  try {
    // One of them is the directory that is being listed.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}
