// From a sample's line to the labels of its stored series, as bytes: the usual case of `storedLabels`, without strings.
import type { SampleParser } from "@narthex/exposition";
import { type Labels, METRIC_NAME } from "@narthex/model";
import { LabelBytes } from "@narthex/storage";
import { isLabelName, isWellFormed } from "../relabel/index.ts";
import type { SampleLabelOptions } from "./sample-labels.ts";

const METRIC_NAME_BYTES = new TextEncoder().encode(METRIC_NAME);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Longer series texts are left to the strings, so that what is kept for the next one stays small. */
const MAX_BYTES = 65_536;

/**
 * Merges what a sample exposes with its target's labels. Neighbours in a body mostly have the same label names, so the
 * order of the series before is kept and only compared. One object serves all targets of a process.
 */
export class LabelMerger {
  #target: Labels | undefined;
  #honorsLabels = false;
  /** The target's labels; of no use when they are not plain text. */
  readonly #own = new LabelBytes();
  #isUsable = false;
  /** Names that the series before exposed, in its order, the metric's name in front; their values are not used. */
  readonly #names = new LabelBytes();
  /** Whether names like these need no second look: none twice, none that has to be renamed. */
  #isPlain = false;
  /** The labels in the order of their names: which exposed one, or -1 minus which of the target's. */
  #order = new Int32Array(64);
  #orderCount = 0;

  /**
   * Puts the labels under which the sample that `parser` stands on is stored into `into`. False, with nothing said about
   * `into`, for everything unusual: then `storedLabels` decides, and says what is wrong if something is. The job must not
   * relabel metrics.
   */
  merge(
    parser: SampleParser,
    bytes: Uint8Array,
    target: Labels,
    options: SampleLabelOptions,
    into: LabelBytes,
  ): boolean {
    if (target !== this.#target || options.honorLabels !== this.#honorsLabels)
      this.#turnTo(target, options.honorLabels);
    if (!this.#isUsable || parser.offsets[0] !== parser.seriesStart) return false;
    if (parser.seriesEnd - parser.seriesStart > MAX_BYTES) return false;
    if (!this.#hasSameNames(parser, bytes)) this.#arrange(parser, bytes);
    if (!this.#isPlain || !this.#write(parser, bytes, into)) return false;
    return isWithinLimits(into, options);
  }

  #turnTo(target: Labels, honorsLabels: boolean): void {
    this.#target = target;
    this.#honorsLabels = honorsLabels;
    this.#names.clear();
    this.#own.clear();
    this.#isUsable = true;
    for (const [name, value] of target) {
      this.#own.addText(name, value);
      if (!isLabelName(name, "legacy") || value === "" || !isWellFormed(value)) this.#isUsable = false;
    }
  }

  #hasSameNames({ offsets, offsetCount }: SampleParser, bytes: Uint8Array): boolean {
    const names = this.#names;
    const count = (offsetCount + 2) >> 2;
    if (names.count !== count) return false;
    const known = names.bytes;
    const { ends } = names;
    for (let i = 1; i < count; i++) {
      const start = offsets[4 * i - 2] as number;
      const end = offsets[4 * i - 1] as number;
      let at = ends[2 * i - 1] as number;
      if ((ends[2 * i] as number) - at !== end - start || bytes[start - 1] === QUOTE) return false;
      for (let j = start; j < end; j++) if (bytes[j] !== known[at++]) return false;
    }
    return true;
  }

  /** Notes the names of this sample, and their order among the target's. */
  #arrange({ offsets, offsetCount }: SampleParser, bytes: Uint8Array): void {
    const names = this.#names;
    const own = this.#own;
    const count = (offsetCount + 2) >> 2;
    names.clear();
    names.add(METRIC_NAME_BYTES, 0, METRIC_NAME_BYTES.length, 0, 0);
    this.#isPlain = true;
    for (let i = 1; i < count; i++) {
      const start = offsets[4 * i - 2] as number;
      // A name in quotes may be anything; and these names, in quotes, are not to be taken for the same without.
      if (bytes[start - 1] === QUOTE) {
        names.clear();
        this.#isPlain = false;
        return;
      }
      names.add(bytes, start, offsets[4 * i - 1] as number, 0, 0);
    }
    if (this.#order.length < count + own.count) this.#order = new Int32Array(2 * (count + own.count));
    const order = this.#order;
    let placed = 0;
    for (let next = 0; next < count + own.count; next++) {
      const label = next < count ? next : count - 1 - next;
      let at = placed;
      let compared = 1;
      while (at > 0) {
        compared = this.#compareNames(label, order[at - 1] as number);
        if (compared >= 0) break;
        at--;
      }
      if (at > 0 && compared === 0) {
        // Twice in the sample, or the target's: where exposed labels are honored, the target's gives way.
        if (label >= 0 || !this.#honorsLabels) this.#isPlain = false;
        continue;
      }
      for (let i = placed; i > at; i--) order[i] = order[i - 1] as number;
      order[at] = label;
      placed++;
    }
    this.#orderCount = placed;
  }

  #compareNames(a: number, b: number): number {
    const left = a < 0 ? this.#own : this.#names;
    const right = b < 0 ? this.#own : this.#names;
    const i = a < 0 ? -1 - a : a;
    const j = b < 0 ? -1 - b : b;
    let at = left.start(i);
    let otherAt = right.start(j);
    const end = left.ends[2 * i] as number;
    const otherEnd = right.ends[2 * j] as number;
    while (at < end && otherAt < otherEnd) {
      const difference = (left.bytes[at++] as number) - (right.bytes[otherAt++] as number);
      if (difference !== 0) return difference;
    }
    return end - at - (otherEnd - otherAt);
  }

  /** False when a value is empty, not all ASCII, or has an escape. */
  #write(parser: SampleParser, bytes: Uint8Array, into: LabelBytes): boolean {
    const names = this.#names;
    const own = this.#own;
    const order = this.#order;
    const orderCount = this.#orderCount;
    const { offsets } = parser;
    into.clear();
    into.reserve(orderCount, names.length + own.length + parser.seriesEnd - parser.seriesStart);
    let to = into.bytes;
    let { ends } = into;
    let at = 0;
    for (let place = 0; place < orderCount; place++) {
      const label = order[place] as number;
      if (label < 0) {
        const index = -1 - label;
        const from = own.bytes;
        let i = own.start(index);
        const nameEnd = own.ends[2 * index] as number;
        const end = own.ends[2 * index + 1] as number;
        ends[2 * place] = at + nameEnd - i;
        while (i < end) to[at++] = from[i++] as number;
        ends[2 * place + 1] = at;
        continue;
      }
      const from = names.bytes;
      const nameEnd = names.ends[2 * label] as number;
      for (let i = names.start(label); i < nameEnd; i++) to[at++] = from[i] as number;
      ends[2 * place] = at;
      const valueAt = label === 0 ? 0 : 4 * label;
      const valueEnd = offsets[valueAt + 1] as number;
      const valueStart = offsets[valueAt] as number;
      if (valueEnd === valueStart) return false;
      const normalised = label === 0 ? undefined : parser.normalisedValue(4 * label - 2);
      if (normalised !== undefined) {
        into.count = place;
        into.length = at;
        into.reserve(
          orderCount - place,
          names.length + own.length + parser.seriesEnd - parser.seriesStart + normalised.length,
        );
        to = into.bytes;
        ends = into.ends;
        for (let i = 0; i < normalised.length; i++) to[at++] = normalised.charCodeAt(i);
      } else {
        let all = 0;
        for (let i = valueStart; i < valueEnd; i++) {
          const byte = bytes[i] as number;
          if (byte === BACKSLASH) return false;
          all |= byte;
          to[at++] = byte;
        }
        if (all >= 0x80) return false;
      }
      ends[2 * place + 1] = at;
    }
    into.count = orderCount;
    into.length = at;
    return true;
  }
}

function isWithinLimits(labels: LabelBytes, options: SampleLabelOptions): boolean {
  const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = options;
  if (labelLimit > 0 && labels.count > labelLimit) return false;
  if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return true;
  const maxName = labelNameLengthLimit > 0 ? labelNameLengthLimit : Infinity;
  const maxValue = labelValueLengthLimit > 0 ? labelValueLengthLimit : Infinity;
  const { ends } = labels;
  for (let i = 0; i < labels.count; i++) {
    const nameEnd = ends[2 * i] as number;
    if (nameEnd - labels.start(i) > maxName || (ends[2 * i + 1] as number) - nameEnd > maxValue) return false;
  }
  return true;
}
