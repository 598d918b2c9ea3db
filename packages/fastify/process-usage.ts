// How much of the machine the process takes, read when somebody asks.
import { availableParallelism, totalmem } from "node:os";

/** CPU and memory of this process. */
export class ProcessUsage {
  #cpu: NodeJS.CpuUsage = process.cpuUsage();
  #atMs: number = performance.now();
  #cpuPercent = 0;

  /** Percent of one core since the call before the last one within a moment: several gauges of one scrape see the same number. */
  get cpuPercent(): number {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs < 50) return this.#cpuPercent;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpuPercent = ((user + system) / 1000 / elapsedMs) * 100;
    this.#cpu = process.cpuUsage();
    this.#atMs = nowMs;
    return this.#cpuPercent;
  }

  /** Share of all cores that the process may use: 0 to 1. */
  get cpuRatio(): number {
    return this.cpuPercent / 100 / availableParallelism();
  }

  /** Resident memory as a share of what the process may use: its control group's limit, or else the machine's memory. */
  get memoryRatio(): number {
    const limit = process.constrainedMemory?.() ?? 0;
    const total = totalmem();
    return process.memoryUsage.rss() / (limit > 0 && limit < total ? limit : total);
  }
}
