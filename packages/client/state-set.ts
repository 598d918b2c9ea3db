// State sets: which one of several states holds, as a series for each of them.
import { Child } from "./child.ts";
import type { FamilyWriter } from "./format/family-writer.ts";
import { renderLabels } from "./format/names.ts";
import type { LabelRecord } from "./label-types.ts";
import { Metric, type MetricConfig } from "./metric.ts";

/** What a state set is made from. */
export interface StateSetConfig<Names extends readonly string[], States extends readonly string[]>
  extends MetricConfig<Names, StateSet<Names, States>> {
  /** All states; the first one holds at the start. */
  readonly states: States;
}

/** One series per state, for one label set. */
export class StateSetChild<State extends string> extends Child {
  readonly #states: readonly string[];

  constructor(
    labelsText: string,
    cells: Float64Array,
    offset: number,
    watcher: Child["watcher"],
    states: readonly string[],
  ) {
    super(labelsText, cells, offset, watcher);
    this.#states = states;
  }

  /** The state that holds from now on. Throws for one that is unknown. */
  state(state: State): void {
    const index = this.#states.indexOf(state);
    if (index < 0) throw new Error(`unknown state "${state}", not one of ${this.#states.join(", ")}`);
    this.touched = true;
    this.cells[this.offset] = index;
  }

  /** The state that holds. */
  get current(): State {
    return this.#states[this.cells[this.offset] as number] as State;
  }
}

/** Which one of several states holds. The series of each state bears the metric's name as a label. */
export class StateSet<
  const Names extends readonly string[] = readonly [],
  const States extends readonly string[] = readonly string[],
> extends Metric<Names, StateSetChild<States[number]>> {
  readonly states: readonly string[];
  readonly #texts: readonly string[];

  constructor(config: StateSetConfig<Names, States>) {
    super("stateset", config as MetricConfig<Names, never>, 1, config?.name ?? "");
    this.states = [...(config.states ?? [])];
    if (this.states.length === 0 || new Set(this.states).size !== this.states.length) {
      throw new Error("states must be given, each of them once");
    }
    this.#texts = this.states.map((state) => renderLabels([this.name], [state]));
    this.start(config.registers);
  }

  /** The state that holds from now on, of a state set without labels, or of the series named. */
  state(
    ...args: Names extends readonly [] ? [state: States[number]] : [labels: LabelRecord<Names>, state: States[number]]
  ): void;
  state(first: unknown, second?: string): void {
    if (typeof first === "string") this.sole.state(first);
    else this.labels(first as LabelRecord<Names>).state(second as States[number]);
  }

  protected override bind(labelsText: string, cells: Float64Array, offset: number): StateSetChild<States[number]> {
    return new StateSetChild(labelsText, cells, offset, this.watcher, this.states);
  }

  protected override blankCells(): number {
    return 1;
  }

  protected override write(writer: FamilyWriter, labelsText: string, cells: Float64Array, offset: number): void {
    for (let i = 0; i < this.#texts.length; i++) {
      const own = this.#texts[i] as string;
      writer.value(labelsText === "" ? own : `${labelsText},${own}`, cells[offset] === i ? 1 : 0, 0);
    }
  }
}
