// What tests of discovery share: a discoverer that runs on a clock turned by hand, and a server that answers as told.
import { Registry } from "@narthex/client";
import { createLogger } from "@narthex/toolkit";
import { whenDone } from "@narthex/toolkit/testing";
import { ManualClock, until } from "../scrape/testing.ts";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import { DiscoveryMetrics } from "./discovery-metrics.ts";
import type { TargetGroup } from "./target-group.ts";

export { type FakeAnswer, FakeApi, type FakeRequest, SILENCE, whenDone } from "@narthex/toolkit/testing";

/** Runs a discoverer with a clock turned by hand, and keeps what it emitted. */
export class Rig {
  readonly clock: ManualClock = new ManualClock(1_700_000_000_000);
  readonly registry: Registry = new Registry();
  readonly lines: string[] = [];
  readonly emitted: (readonly TargetGroup[])[] = [];
  readonly groups: Map<string, TargetGroup> = new Map();
  readonly discoverer: Discoverer;

  constructor(make: (context: DiscovererContext) => Discoverer) {
    this.discoverer = make({
      logger: createLogger({ write: (line) => this.lines.push(line), level: "debug" }),
      clock: this.clock,
      metrics: new DiscoveryMetrics(this.registry),
      setName: "job",
    });
    this.discoverer.start((groups) => {
      this.emitted.push(groups);
      for (const group of groups) {
        if (group.targets.length === 0) this.groups.delete(group.source);
        else this.groups.set(group.source, group);
      }
    });
    whenDone(() => this.discoverer.stop());
  }

  /** All targets, with the labels of their groups. */
  get targets(): Record<string, string>[] {
    return [...this.groups.values()].flatMap(({ labels, targets }) =>
      targets.map((target) => ({ ...Object.fromEntries(labels), ...Object.fromEntries(target) })),
    );
  }

  get addresses(): string[] {
    return this.targets.map(({ __address__ }) => String(__address__)).sort();
  }

  /** Lines of level error. */
  get errors(): string[] {
    return this.lines.filter((line) => line.includes("level=ERROR"));
  }

  /** Lets so much time pass, and waits for what comes of it: something emitted, or an error. */
  async next(ms: number): Promise<void> {
    const before = this.emitted.length + this.errors.length;
    this.clock.pass(ms);
    await until(() => this.emitted.length + this.errors.length > before, "the next refresh");
  }

  /** The value of a metric, by the beginning of its line; undefined for none. */
  async metric(series: string): Promise<number | undefined> {
    const line = (await this.registry.metrics()).split("\n").find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
