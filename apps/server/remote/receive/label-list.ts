// Labels as they came over the wire, on their way to a label set.
import { isUtf8 } from "node:buffer";
import { decodeText, EncodingError, type WireReader } from "@narthex/encoding";
import { compareStrings, isValidLabelName, Labels, METRIC_NAME, quote } from "@narthex/model";
import { LabelField } from "../wire.ts";

/** Why a label list cannot name a series; `text` shows the list as the reference does. */
export type LabelFault =
  | { readonly kind: "invalid"; readonly text: string }
  | { readonly kind: "duplicate"; readonly text: string; readonly name: string };

/** One label message after the other is added, then `finish` makes the set. Reused from series to series. */
export class LabelList {
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  readonly #order: number[] = [];
  #isText = true;

  clear(): void {
    this.#names.length = 0;
    this.#values.length = 0;
    this.#isText = true;
  }

  /** Adds the label message that `reader` stands in front of. Throws an `EncodingError` for bytes that are none. */
  addMessage(reader: WireReader): void {
    const outer = reader.enter();
    let name = "";
    let value = "";
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === LabelField.name) name = this.#text(reader);
      else if (field === LabelField.value) value = this.#text(reader);
      else reader.skipField();
    }
    reader.leave(outer);
    this.#names.push(name);
    this.#values.push(value);
  }

  /** Adds a label whose name and value lie at `[nameStart, nameEnd)` and `[valueStart, valueEnd)` of `bytes`. */
  addBytes(bytes: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    this.#names.push(this.#textOf(bytes, nameStart, nameEnd));
    this.#values.push(this.#textOf(bytes, valueStart, valueEnd));
  }

  /** The sorted set without empty labels, or why there is none: no metric name, text that is no UTF-8, a name twice. */
  finish(): Labels | LabelFault {
    const names = this.#names;
    const values = this.#values;
    const order = this.#sorted();
    let hasName = false;
    let isValid = this.#isText;
    let repeated: string | undefined;
    for (let i = 0; i < order.length; i++) {
      const name = names[order[i] as number] as string;
      if (name === METRIC_NAME) {
        hasName = true;
        if (values[order[i] as number] === "") isValid = false;
      }
      if (!isValidLabelName(name)) isValid = false;
      if (i > 0 && name === names[order[i - 1] as number]) repeated ??= name;
    }
    if (!hasName || !isValid) return { kind: "invalid", text: this.#print(order) };
    if (repeated !== undefined) return { kind: "duplicate", text: this.#print(order), name: repeated };
    return this.#labels(order);
  }

  /** The same without any test: of several equal names the first counts. For exemplars. */
  finishAny(): Labels {
    return this.#labels(this.#sorted());
  }

  #labels(order: readonly number[]): Labels {
    const pairs: string[] = [];
    for (const i of order) {
      const name = this.#names[i] as string;
      const value = this.#values[i] as string;
      if (name !== "" && value !== "" && pairs.at(-2) !== name) pairs.push(name, value);
    }
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }

  #sorted(): readonly number[] {
    const names = this.#names;
    const order = this.#order;
    order.length = names.length;
    let isSorted = true;
    for (let i = 0; i < order.length; i++) {
      order[i] = i;
      if (i > 0 && compareStrings(names[i - 1] as string, names[i] as string) > 0) isSorted = false;
    }
    if (!isSorted) order.sort((a, b) => compareStrings(names[a] as string, names[b] as string));
    return order;
  }

  #print(order: readonly number[]): string {
    const shown = order.map((i) => {
      const name = this.#names[i] as string;
      return `${isValidLabelName(name, "legacy") ? name : quote(name)}=${quote(this.#values[i] as string)}`;
    });
    return `{${shown.join(", ")}}`;
  }

  /** A text field, without a view of its bytes: new series come by the hundred thousand. */
  #text(reader: WireReader): string {
    const outer = reader.enter();
    const { position, end } = reader;
    reader.leave(outer);
    return this.#textOf(reader.bytes, position, end);
  }

  #textOf(bytes: Uint8Array, start: number, end: number): string {
    for (let i = start; i < end; i++) {
      if ((bytes[i] as number) < 0x80) continue;
      if (!isUtf8(bytes.subarray(start, end))) this.#isText = false;
      break;
    }
    return decodeText(bytes, start, end);
  }
}

/** The protocol's error for a message that goes beyond its bytes. */
export function truncated(position: number): EncodingError {
  return new EncodingError("truncated", "input ends too early", position);
}
