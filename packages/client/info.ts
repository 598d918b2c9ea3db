// Infos: facts about the program as labels of a constant 1, such as its version.
import { Child } from "./child.ts";
import type { FamilyWriter } from "./format/family-writer.ts";
import { isValidLabelName, parseLabels, renderLabels } from "./format/names.ts";
import type { LabelRecord, LabelValue } from "./label-types.ts";
import { Metric, type MetricConfig } from "./metric.ts";

/** What an info is made from. Its name ends in `_info`; that is added where it is missing. */
export type InfoConfig<Names extends readonly string[]> = MetricConfig<Names, Info<Names>>;

/** Facts by name. */
export type Facts = Readonly<Record<string, LabelValue>>;

/** One series of an info. */
export class InfoChild extends Child {
  #facts = "";

  /** Replaces the facts. Throws for names that labels cannot have, and for those of the series' own labels, constant ones included. */
  set(facts: Facts): void {
    const names = Object.keys(facts);
    const own = parseLabels(this.labelsText).filter((_, i) => i % 2 === 0);
    const repeated = names.filter((name) => own.includes(name));
    if (repeated.length > 0) throw new Error(`A label name is repeated: ${repeated.join(",")}`);
    const invalid = names.filter((name) => !isValidLabelName(name));
    if (invalid.length > 0) throw new Error(`At least one label name is invalid: ${invalid.join(",")}`);
    this.touched = true;
    this.#facts = renderLabels(
      names,
      names.map((name) => String(facts[name]).toWellFormed()),
    );
  }

  /** The facts, rendered. */
  get facts(): string {
    return this.#facts;
  }

  /** Internal. */
  restart(): void {
    this.#facts = "";
  }
}

/** Facts as labels of a constant 1. */
export class Info<const Names extends readonly string[] = readonly []> extends Metric<Names, InfoChild> {
  constructor(config: InfoConfig<Names>) {
    const name = config?.name?.endsWith("_info") === true ? config.name : config?.name && `${config.name}_info`;
    super("info", { ...config, name } as MetricConfig<Names, never>, 1);
    this.start(config.registers);
  }

  /** `info.set({ version: "1.2.3" })`; with labels, these come first. Throws as `InfoChild.set` does. */
  set(...args: Names extends readonly [] ? [facts: Facts] : [labels: LabelRecord<Names>, facts: Facts]): void;
  set(first: object, second?: Facts): void {
    if (second === undefined) this.sole.set(first as Facts);
    else this.labels(first as LabelRecord<Names>).set(second);
  }

  protected override get needsChildren(): boolean {
    return true;
  }

  protected override bind(labelsText: string, cells: Float64Array, offset: number): InfoChild {
    return new InfoChild(labelsText, cells, offset, this.watcher);
  }

  protected override restart(child: InfoChild): void {
    child.restart();
  }

  protected override blankCells(): number {
    return 1;
  }

  protected override write(
    writer: FamilyWriter,
    labelsText: string,
    _cells: Float64Array,
    _offset: number,
    child: InfoChild | undefined,
  ): void {
    const facts = child?.facts ?? "";
    writer.value(labelsText === "" || facts === "" ? labelsText + facts : `${labelsText},${facts}`, 1, 0);
  }
}
