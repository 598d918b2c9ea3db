// What the operating system knows about this process, under the names that all client libraries use. What the platform
// does not tell is left out, never faked.
import { readdirSync, readFileSync } from "node:fs";
import type { Collector, FamilyHeader, FamilyType, FamilyWriter } from "../format/family-writer.ts";

/** A family with one sample without labels, and how to find its value; undefined where it cannot be known. */
interface Reading {
  readonly header: FamilyHeader;
  readonly value: number | undefined;
}

function reading(name: string, type: FamilyType, help: string, value: number | undefined): Reading {
  return { header: { name, help, type, unit: "" }, value };
}

/** CPU, memory, file descriptors, threads and network of this process (all but CPU and memory on Linux only). */
export class ProcessMetrics implements Collector {
  readonly #prefix: string;
  readonly #labels: string;
  readonly #startSeconds: number;

  /** `labels` come rendered. `startSeconds` is when the process started, in seconds since the epoch. */
  constructor(prefix: string = "", labels: string = "", startSeconds: number = processStartSeconds()) {
    this.#prefix = prefix;
    this.#labels = labels;
    this.#startSeconds = startSeconds;
  }

  describe(): readonly FamilyHeader[] {
    return this.#readings().map(({ header }) => header);
  }

  collect(writer: FamilyWriter): void {
    for (const { header, value } of this.#readings()) {
      if (value === undefined) continue;
      writer.family(header);
      writer.value(this.#labels, value, 0);
    }
  }

  #readings(): Reading[] {
    const { user, system } = process.cpuUsage();
    const status = parseStatus(readText("/proc/self/status"));
    const limits = readText("/proc/self/limits");
    const network = parseNetwork(readText("/proc/self/net/netstat"));
    const p = this.#prefix;
    const total = (user + system) / 1e6;
    return [
      reading(`${p}process_cpu_user_seconds_total`, "counter", "Total user CPU time spent in seconds.", user / 1e6),
      reading(
        `${p}process_cpu_system_seconds_total`,
        "counter",
        "Total system CPU time spent in seconds.",
        system / 1e6,
      ),
      reading(`${p}process_cpu_seconds_total`, "counter", "Total user and system CPU time spent in seconds.", total),
      reading(
        `${p}process_start_time_seconds`,
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        this.#startSeconds,
      ),
      reading(
        `${p}process_resident_memory_bytes`,
        "gauge",
        "Resident memory size in bytes.",
        status.get("VmRSS") ?? process.memoryUsage.rss(),
      ),
      reading(`${p}process_virtual_memory_bytes`, "gauge", "Virtual memory size in bytes.", status.get("VmSize")),
      reading(
        `${p}process_virtual_memory_max_bytes`,
        "gauge",
        "Maximum amount of virtual memory available in bytes.",
        parseLimit(limits, "Max address space"),
      ),
      reading(`${p}process_heap_bytes`, "gauge", "Process heap size in bytes.", status.get("VmData")),
      reading(`${p}process_open_fds`, "gauge", "Number of open file descriptors.", countFileDescriptors()),
      reading(
        `${p}process_max_fds`,
        "gauge",
        "Maximum number of open file descriptors.",
        parseLimit(limits, "Max open files"),
      ),
      reading(`${p}process_threads`, "gauge", "Number of threads of the process.", status.get("Threads")),
      reading(
        `${p}process_network_receive_bytes_total`,
        "counter",
        "Number of bytes received by the process over the network.",
        network?.received,
      ),
      reading(
        `${p}process_network_transmit_bytes_total`,
        "counter",
        "Number of bytes sent by the process over the network.",
        network?.sent,
      ),
    ];
  }
}

/** When this process started, in seconds since the epoch. */
export function processStartSeconds(): number {
  return Math.round(Date.now() - process.uptime() * 1000) / 1000;
}

/** Number of threads, undefined where the platform does not tell. */
export function threadCount(): number | undefined {
  return parseStatus(readText("/proc/self/status")).get("Threads");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not Linux, or not allowed: then there is nothing to say.
    return "";
  }
}

/** Numbers of /proc/self/status by name; sizes in bytes. */
function parseStatus(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^(\w+):\s+([0-9]+)( kB)?$/.exec(line);
    if (match !== null) values.set(match[1] as string, Number(match[2]) * (match[3] === undefined ? 1 : 1024));
  }
  return values;
}

/** The soft limit of a line of /proc/self/limits; no limit is the largest 64-bit number, as elsewhere. */
function parseLimit(text: string, name: string): number | undefined {
  const line = text.split("\n").find((candidate) => candidate.startsWith(name));
  const value = line?.slice(name.length).trim().split(/\s+/)[0];
  if (value === undefined) return undefined;
  return value === "unlimited" ? 2 ** 64 : Number(value);
}

/** The IpExt counters of the network namespace: a line of names, then one of values. */
function parseNetwork(text: string): { received: number; sent: number } | undefined {
  const [names, values] = text
    .split("\n")
    .filter((line) => line.startsWith("IpExt:"))
    .map((line) => line.split(" "));
  const received = names?.indexOf("InOctets") ?? -1;
  const sent = names?.indexOf("OutOctets") ?? -1;
  if (values === undefined || received < 0 || sent < 0) return undefined;
  return { received: Number(values[received]), sent: Number(values[sent]) };
}

function countFileDescriptors(): number | undefined {
  try {
    // One of them is the directory that is being listed.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}
