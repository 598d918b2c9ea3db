// From labels as bytes to pair ids: what replay, scraping and remote write share.
import { type HeadMemory, NAME_WORDS, PAIR_WORDS } from "../memory/layout.ts";
import type { SymbolWriter } from "./symbol-writer.ts";
import { NameField, PairField } from "./symbols.ts";

const LENGTH_MASK = 0x7fff_ffff;

/**
 * Interns one row of labels after the other. Series that come one after the other mostly differ in few labels: a label
 * that equals the one in the same place of the row before costs a comparison, and one with the same name half a look-up.
 */
export class LabelInterner {
  /** Pair ids of the row, `count` of them. Replaced when it grows. */
  ids: Uint32Array = new Uint32Array(64);
  count = 0;
  readonly #memory: HeadMemory;
  readonly #symbols: SymbolWriter;
  /** Up to here `ids` hold what the row before had, as far as this row has not come. */
  #before = 0;
  #generation = -1;

  constructor(memory: HeadMemory, symbols: SymbolWriter) {
    this.#memory = memory;
    this.#symbols = symbols;
  }

  /** Begins a row. */
  begin(): void {
    const { tableGeneration } = this.#symbols;
    this.#before = this.#generation === tableGeneration ? Math.max(this.#before, this.count) : 0;
    this.#generation = tableGeneration;
    this.count = 0;
  }

  /** Adds the label with the name `bytes[nameStart, nameEnd)` and the value `bytes[valueStart, valueEnd)`, both UTF-8. */
  add(bytes: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.count;
    if (at >= this.#before) {
      if (at === this.ids.length) this.#grow();
      this.ids[at] = this.#intern(0, bytes, nameStart, nameEnd, valueStart, valueEnd);
      this.count++;
      return;
    }
    const { names, pairs } = this.#memory;
    const pair = this.ids[at] * PAIR_WORDS;
    const nameId = pairs[pair + PairField.name];
    const name = nameId * NAME_WORDS;
    if (!this.#holds(names[name + NameField.text], names[name + NameField.length], bytes, nameStart, nameEnd)) {
      this.ids[at] = this.#intern(0, bytes, nameStart, nameEnd, valueStart, valueEnd);
    } else if (
      !this.#holds(pairs[pair + PairField.text], pairs[pair + PairField.length], bytes, valueStart, valueEnd)
    ) {
      this.ids[at] = this.#intern(nameId, bytes, nameStart, nameEnd, valueStart, valueEnd);
    }
    // Only now, so that a label that found no room leaves nothing behind.
    this.count++;
  }

  #intern(
    knownName: number,
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): number {
    const name = knownName !== 0 ? knownName : this.#symbols.internNameBytes(bytes, nameStart, nameEnd);
    return this.#symbols.internPairBytes(name, bytes, valueStart, valueEnd);
  }

  #holds(address: number, length: number, bytes: Uint8Array, start: number, end: number): boolean {
    if ((length & LENGTH_MASK) !== end - start) return false;
    const { text } = this.#memory;
    const from = address * 4 - start;
    // From the end: what differs usually differs there.
    for (let i = end - 1; i >= start; i--) if (text[from + i] !== bytes[i]) return false;
    return true;
  }

  #grow(): void {
    const grown = new Uint32Array(this.ids.length * 2);
    grown.set(this.ids);
    this.ids = grown;
  }
}
