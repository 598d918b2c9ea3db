// Looks at the process's memory and sheds load, step by step, before the system ends the process.
import { getHeapStatistics } from "node:v8";
import { Gauge, type Registry } from "@narthex/client";
import { formatSize, type Logger } from "@narthex/toolkit";

/** Often enough to see growth of a gigabyte a second before it is too late. */
const CHECK_INTERVAL_MS = 500;
/** A step is left this much of the limit below where it was entered, so that it is not entered and left at each look. */
const HYSTERESIS = 0.04;
/** A step that repeats does so this often while it lasts. */
const REPEAT_MS = 10_000;

/** What is given up at which share of the limit. Steps come in this order and are taken back in the opposite one. */
export interface ShedStep {
  /** For the log and the metric: `big queries`. */
  readonly name: string;
  /** Of the limit, above 0 and below 1. */
  readonly share: number;
  enter(): void;
  leave(): void;
  /** Called again every ten seconds while the step lasts: there may be more to give up by then. */
  repeat?(): void;
}

/** How full memory is. */
export interface MemoryReading {
  /** Resident memory of the process. */
  readonly residentBytes: number;
  /** The part of what it may become that the main thread's heap takes, 0 to 1: it ends the process as well. */
  readonly heapShare: number;
}

export interface MemoryWatchOptions {
  /** 0 watches the heap alone. */
  readonly limitBytes: number;
  /** By ascending share. */
  readonly steps: readonly ShedStep[];
  readonly logger: Logger;
  readonly registry: Registry;
  /** Standard: this process's. */
  readonly read?: () => MemoryReading;
  /** Milliseconds that only grow. Standard: the process's. */
  readonly now?: () => number;
  /** Told whenever load begins or ceases to be shed. */
  readonly onChange?: (isShedding: boolean) => void;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #read: () => MemoryReading;
  readonly #now: () => number;
  /** How many steps are entered. */
  #level = 0;
  #repeatedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#read = options.read ?? readMemory;
    this.#now = options.now ?? (() => performance.now());
    const registers = [options.registry];
    new Gauge({
      name: "narthex_memory_limit_bytes",
      help: "Memory of which load is shed before it is used up. 0 is no limit.",
      registers,
    }).set(options.limitBytes);
    const shedding = new Gauge({
      name: "narthex_memory_shedding",
      help: "Whether this load is shed because memory is short.",
      labelNames: ["load"],
      registers,
      collect: (gauge) => {
        for (const [i, { name }] of options.steps.entries()) gauge.labels(name).set(i < this.#level ? 1 : 0);
      },
    });
    for (const { name } of options.steps) shedding.labels(name).set(0);
  }

  /** Looks now, and from now on. */
  start(): void {
    this.check();
    this.#timer ??= setInterval(() => this.check(), CHECK_INTERVAL_MS).unref();
  }

  /** Looks no more; steps that were entered stay so. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whether the step of this name is entered. */
  sheds(name: string): boolean {
    return this.#options.steps.slice(0, this.#level).some((step) => step.name === name);
  }

  /** Looks once. */
  check(): void {
    const { steps } = this.#options;
    const reading = this.#read();
    const share = this.#shareOf(reading);
    let wanted = this.#level;
    while (wanted < steps.length && share >= (steps[wanted] as ShedStep).share) wanted++;
    while (wanted > 0 && share < (steps[wanted - 1] as ShedStep).share - HYSTERESIS) wanted--;
    const before = this.#level;
    while (this.#level < wanted) this.#enter(steps[this.#level] as ShedStep, reading);
    while (this.#level > wanted) this.#leave(steps[this.#level - 1] as ShedStep, reading);
    if ((before === 0) !== (this.#level === 0)) this.#options.onChange?.(this.#level > 0);
    if (this.#level === before) this.#repeat();
  }

  #shareOf({ residentBytes, heapShare }: MemoryReading): number {
    const { limitBytes } = this.#options;
    return Math.max(heapShare, limitBytes > 0 ? residentBytes / limitBytes : 0);
  }

  #enter(step: ShedStep, reading: MemoryReading): void {
    this.#level++;
    this.#repeatedAt = this.#now();
    this.#options.logger.warn("Memory is short: shedding load", { load: step.name, ...this.#facts(reading) });
    this.#run(step, () => step.enter());
  }

  #leave(step: ShedStep, reading: MemoryReading): void {
    this.#level--;
    this.#options.logger.info("Memory is no longer short: load is taken again", {
      load: step.name,
      ...this.#facts(reading),
    });
    this.#run(step, () => step.leave());
  }

  #repeat(): void {
    const now = this.#now();
    if (this.#level === 0 || now - this.#repeatedAt < REPEAT_MS) return;
    this.#repeatedAt = now;
    for (const step of this.#options.steps.slice(0, this.#level)) this.#run(step, () => step.repeat?.());
  }

  /** A step that fails is told, and keeps none of the others from it. */
  #run({ name }: ShedStep, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.logger.error("Shedding load failed", { load: name, err: (error as Error).message });
    }
  }

  #facts({ residentBytes, heapShare }: MemoryReading): Readonly<Record<string, string>> {
    const { limitBytes } = this.#options;
    return {
      resident: formatSize(roundToMib(residentBytes)),
      limit: limitBytes > 0 ? formatSize(roundToMib(limitBytes)) : "none",
      heap: `${Math.round(heapShare * 100)}%`,
    };
  }
}

function roundToMib(bytes: number): number {
  return Math.round(bytes / 2 ** 20) * 2 ** 20;
}

function readMemory(): MemoryReading {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return { residentBytes: process.memoryUsage.rss(), heapShare: limit > 0 ? used / limit : 0 };
}
