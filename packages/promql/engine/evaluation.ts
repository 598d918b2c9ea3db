// Evaluates plan nodes on one grid of steps, series by series.
import type { FloatHistogramFields, Matcher } from "@narthex/model";
import { Labels } from "@narthex/model";
import type { Querier, SeriesSet } from "@narthex/storage";
import { streamAggregate } from "./aggregation.ts";
import type { Annotations } from "./annotations.ts";
import { streamBinary } from "./binary.ts";
import { streamCall } from "./call.ts";
import type { ExplainRecorder } from "./explain.ts";
import { negateHistogram } from "./histogram-operator.ts";
import { type Ahead, type Limits, SampleStatistics } from "./limits.ts";
import type { InvariantNode, PlanNode, SelectorNode, SubqueryNode, UnaryNode } from "./plan.ts";
import { QueryError } from "./result.ts";
import {
  constantRow,
  emptyRow,
  type Grid,
  histogramWeight,
  METADATA_LABELS,
  mergeDuplicates,
  type Row,
  RowBlocks,
  type RowSink,
  rowWeight,
} from "./row.ts";
import { streamSelector } from "./selector.ts";

/** What all evaluations of one query have in common. */
export interface Session {
  readonly querier: Querier;
  readonly shared: ReadonlySet<string>;
  readonly limits: Limits;
  readonly annotations: Annotations;
  readonly lookbackMs: number;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly useStartTimestamps: boolean;
  /** Set when the query is to be explained. */
  readonly recorder: ExplainRecorder | undefined;
}

interface CachedRows {
  readonly rows: Row[];
  /** Most samples held while they were made. */
  readonly peak: number;
  readonly statistics: SampleStatistics;
}

const NOTHING: Ahead = { held: 0, peak: 0 };

/** What a change of rows does besides. */
interface MapOptions {
  /** The labels that go with the name. */
  readonly dropped?: ReadonlySet<string>;
  /** Whether the reference holds no second copy meanwhile. */
  readonly inPlace?: boolean;
  /** How many scalars are held at each step. */
  readonly scalars?: number;
  /** Scalars that the reference evaluates after the rows. */
  readonly later?: Ahead;
}

/** A place in the window or step grid of a selector: the first time it refers to, and how that moves per step. */
export interface Reference {
  readonly first: number;
  readonly stepMs: number;
}

/** Evaluates nodes on one grid. Subqueries and step-invariant nodes are evaluated by children on grids of their own. */
export class Evaluation {
  readonly session: Session;
  readonly grid: Grid;
  statistics: SampleStatistics;
  readonly #cache = new Map<string, CachedRows>();
  readonly #blocks: RowBlocks;

  constructor(session: Session, grid: Grid, statistics: SampleStatistics) {
    this.session = session;
    this.grid = grid;
    this.statistics = statistics;
    this.#blocks = new RowBlocks(grid.count);
  }

  get steps(): number {
    return this.grid.count;
  }

  /** The time of a step, in milliseconds. */
  timeOf(step: number): number {
    return this.grid.startMs + step * this.grid.stepMs;
  }

  /** All rows of a node; they may be shared, so they must not be changed. */
  rows(node: PlanNode): Row[] {
    if (!this.session.shared.has(node.key)) return this.#collect(node);
    const cached = this.#cache.get(node.key);
    if (cached !== undefined) {
      this.statistics.add(cached.statistics);
      this.session.limits.require(cached.peak);
      for (const row of cached.rows) this.session.limits.add(rowWeight(row));
      return cached.rows;
    }
    const outer = this.statistics;
    this.statistics = new SampleStatistics(outer.perStep?.length, outer.readPerStep?.length);
    let rows: Row[] = [];
    const peak = this.session.limits.peakOf(() => {
      rows = this.#collect(node);
    });
    const statistics = this.statistics;
    this.statistics = outer;
    outer.add(statistics);
    this.#cache.set(node.key, { rows, peak, statistics });
    return rows;
  }

  /**
   * Hands over the rows of a node one by one. The sink may change them; it owns them for good if `keep` is set, else
   * until it returns.
   */
  stream(node: PlanNode, keep: boolean, sink: RowSink): void {
    if (this.session.shared.has(node.key)) {
      const scratch = keep ? undefined : emptyRow(Labels.empty, this.steps);
      for (const row of this.rows(node)) sink(this.copyRow(row, scratch));
      return;
    }
    this.session.limits.checkNow();
    if (this.steps === 0) return;
    this.#dispatch(node, keep, sink);
  }

  /** The values of a scalar node, one per step. Must not be changed. */
  scalar(node: PlanNode): Float64Array {
    if (node.kind === "number") {
      this.session.limits.add(this.steps);
      return this.fill(node.value);
    }
    const [row] = this.rows(node);
    if (row === undefined) throw new QueryError("internal", "a scalar expression has no value");
    return row.values;
  }

  /** One value for every step. */
  fill(value: number): Float64Array {
    return new Float64Array(this.steps).fill(value);
  }

  /** A row of its own, accounted for; or `scratch`, wiped. */
  newRow(scratch?: Row): Row {
    if (scratch !== undefined) {
      scratch.histograms = undefined;
      scratch.dropName = false;
      scratch.points = 0;
      scratch.labels = Labels.empty;
      return scratch;
    }
    this.session.limits.allocate(this.#rowBytes);
    return this.#blocks.emptyRow(Labels.empty);
  }

  copyRow(row: Row, scratch?: Row): Row {
    const copy = this.newRow(scratch);
    copy.labels = row.labels;
    copy.dropName = row.dropName;
    copy.values.set(row.values);
    copy.present.set(row.present);
    copy.histograms = row.histograms?.slice();
    copy.points = row.points;
    return copy;
  }

  /** Gives back the memory of a node's rows once they are used up; shared rows stay. */
  release(node: PlanNode, rows: readonly Row[]): void {
    if (this.session.shared.has(node.key)) return;
    this.session.limits.release(rows.length * this.#rowBytes);
  }

  get #rowBytes(): number {
    return this.steps * 9 + 200;
  }

  /** What a selector or subquery refers to at the first step, and how that moves. */
  reference(node: { readonly at: number | undefined; readonly offsetMs: number }): Reference {
    const { startMs, stepMs } = this.grid;
    return { first: (node.at ?? startMs) - node.offsetMs, stepMs: node.at === undefined ? stepMs : 0 };
  }

  /** Selects the series of a selector, with samples from `minTime` to `maxTime`. */
  select(node: SelectorNode, minTime: number, maxTime: number, rangeMs: number): SeriesSet {
    const set = this.selectMatching(node.matchers, minTime, maxTime, rangeMs, node.func, node.grouping, node.by);
    this.session.recorder?.selected(node, set.count);
    return set;
  }

  selectMatching(
    matchers: readonly Matcher[],
    minTime: number,
    maxTime: number,
    rangeMs: number,
    func: string,
    grouping: readonly string[] = [],
    by = false,
  ): SeriesSet {
    const hints = { minTime, maxTime, stepMs: this.grid.stepMs, rangeMs, func, grouping, by, limit: 0, anyOrder: true };
    let set: SeriesSet;
    try {
      set = this.session.querier.select(matchers, hints);
    } catch (error) {
      throw new QueryError("execution", `expanding series: ${(error as Error).message}`, { cause: error });
    }
    for (const warning of set.warnings) this.session.annotations.foreign(warning);
    return set;
  }

  /** Counts the points of a row as samples looked at. */
  countRow(row: Row, weight: number): void {
    const { statistics } = this;
    const { perStep, readPerStep } = statistics;
    statistics.total += weight;
    statistics.read += weight;
    if (perStep === undefined && readPerStep === undefined) return;
    for (let k = 0; k < row.present.length; k++) {
      const histogram = row.histograms?.[k];
      const count = histogram === undefined ? row.present[k] : histogramWeight(histogram);
      if (perStep !== undefined) perStep[k] += count;
      if (readPerStep !== undefined) readPerStep[k] += count;
    }
  }

  /** The grid of a subquery's own steps: multiples of its resolution inside (first - range, last]. */
  subqueryGrid(node: SubqueryNode): Grid {
    const { first, stepMs } = this.reference(node);
    const last = first + stepMs * Math.max(0, this.steps - 1);
    const begin = first - node.rangeMs;
    let startMs = node.stepMs * Math.trunc(begin / node.stepMs);
    if (startMs <= begin) startMs += node.stepMs;
    const count = last < startMs ? 0 : Math.floor((last - startMs) / node.stepMs) + 1;
    if (count > this.session.limits.maxSamples) this.session.limits.require(count);
    return { startMs, stepMs: node.stepMs, count };
  }

  /** An evaluation of the same query on another grid, with statistics of its own: samples read per step at wish. */
  child(grid: Grid, readPerStep = false): Evaluation {
    return new Evaluation(this.session, grid, new SampleStatistics(undefined, readPerStep ? grid.count : undefined));
  }

  #collect(node: PlanNode): Row[] {
    this.session.limits.checkNow();
    if (this.steps === 0) return [];
    const rows: Row[] = [];
    this.#dispatch(node, true, (row) => {
      rows.push(row);
    });
    return rows;
  }

  #dispatch(node: PlanNode, keep: boolean, sink: RowSink): void {
    const { recorder } = this.session;
    if (recorder === undefined) this.#evaluate(node, keep, sink);
    else recorder.run(this, node, sink, (counting) => this.#evaluate(node, keep, counting));
  }

  #evaluate(node: PlanNode, keep: boolean, sink: RowSink): void {
    switch (node.kind) {
      case "number":
        this.session.limits.add(this.steps);
        sink(constantRow(Labels.empty, node.value, this.steps));
        return;
      case "string":
        throw new QueryError("internal", "a string has no samples");
      case "selector":
        streamSelector(this, node, keep, sink);
        return;
      case "range":
        throw new QueryError("internal", "a range vector has no values at steps");
      case "subquery":
        throw new QueryError("internal", "a subquery has no values at steps");
      case "unary":
        this.#negate(node, keep, sink);
        return;
      case "binary":
        streamBinary(this, node, keep, sink);
        return;
      case "aggregate":
        streamAggregate(this, node, keep, sink);
        return;
      case "call":
        streamCall(this, node, keep, sink);
        return;
      case "invariant":
        this.#repeat(node, sink);
        return;
    }
  }

  #negate(node: UnaryNode, keep: boolean, sink: RowSink): void {
    this.map(
      node.expr,
      keep,
      sink,
      true,
      (row) => {
        const { values, histograms } = row;
        for (let k = 0; k < values.length; k++) values[k] = -values[k];
        if (histograms === undefined) return;
        for (let k = 0; k < histograms.length; k++) {
          const histogram: FloatHistogramFields | undefined = histograms[k];
          if (histogram !== undefined) histograms[k] = negateHistogram(histogram);
        }
      },
      { inPlace: true },
    );
  }

  /**
   * Streams a node with each row changed in place by `change`, which keeps `points` right. With `dropsName`, the rows
   * lose their metric name (now or, if that is delayed, at the end), and rows that become equal are merged.
   */
  map(
    node: PlanNode,
    keep: boolean,
    sink: RowSink,
    dropsName: boolean,
    change: (row: Row) => void,
    { dropped = METADATA_LABELS, inPlace = false, scalars = 0, later = NOTHING }: MapOptions = {},
  ): void {
    const { limits, delayedNameRemoval } = this.session;
    const merges = dropsName && !delayedNameRemoval && !this.hasUniqueNames(node);
    const before = limits.samples;
    const pending: Row[] = [];
    let out = 0;
    let atLastStep = scalars;
    this.stream(node, keep || merges, (row) => {
      atLastStep += row.present[this.steps - 1];
      change(row);
      if (row.points === 0) return;
      if (dropsName) {
        if (delayedNameRemoval) row.dropName = true;
        else row.labels = row.labels.without(dropped);
      }
      out += rowWeight(row);
      limits.worked(this.steps);
      if (merges) pending.push(row);
      else sink(row);
    });
    limits.require(later.peak);
    if (inPlace) limits.samples = before + out;
    else limits.calledPerStep(before, out, atLastStep + later.held);
    if (merges) for (const row of mergeDuplicates(pending)) sink(row);
  }

  /** Whether the rows of a node stay different when their metric names go. */
  hasUniqueNames(node: PlanNode): boolean {
    switch (node.kind) {
      case "selector":
        return (
          !this.session.typeAndUnitLabels &&
          node.matchers.some(({ name, type, value }) => name === "__name__" && type === "=" && value !== "")
        );
      case "invariant":
        return this.hasUniqueNames(node.expr);
      case "unary":
        return true;
      case "aggregate":
        switch (node.op) {
          case "topk":
          case "bottomk":
          case "limitk":
          case "limit_ratio":
            return this.hasUniqueNames(node.expr);
          default:
            return node.without || !node.grouping.includes("__name__");
        }
      case "call": {
        const [arg] = node.args;
        if (arg?.kind !== "range") return false;
        const keepsName = node.name === "last_over_time" || node.name === "first_over_time";
        return !keepsName || this.hasUniqueNames(arg.selector);
      }
      default:
        return false;
    }
  }

  #repeat(node: InvariantNode, sink: RowSink): void {
    const { steps } = this;
    const { limits } = this.session;
    const child = this.child({ ...this.grid, count: 1 });
    const rows = child.rows(node.expr);
    const { total, read } = child.statistics;
    for (let k = 0; k < steps; k++) this.statistics.addAtStep(k, total, k === 0 ? read : 0);
    for (const single of rows) {
      const row = this.newRow();
      row.labels = single.labels;
      row.dropName = single.dropName;
      row.values.fill(single.values[0]);
      row.present.fill(1);
      row.points = steps;
      const histogram = single.histograms?.[0];
      if (histogram !== undefined) row.histograms = new Array(steps).fill(histogram);
      limits.add(rowWeight(row) - rowWeight(single));
      limits.worked(steps);
      sink(row);
    }
  }
}
