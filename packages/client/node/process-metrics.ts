// What the operating system knows about this process, under the names that all client libraries use. What the platform
// does not tell is left out, never faked.
import type { Collector, FamilyHeader, FamilyType, FamilyWriter } from "../format/family-writer.ts";
import { countFileDescriptors, parseLimit, parseNetwork, parseStatus, readText } from "./proc-self.ts";

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
