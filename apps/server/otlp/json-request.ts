// OpenTelemetry's JSON into its protobuf form, without a tree in between: one way on from here for both, numbers of 64
// bits unharmed, and no more memory than the text takes.
import { WireType, type WireWriter } from "@narthex/encoding";
import { parseFloatStrict } from "@narthex/model";
import { type JsonField, type JsonMessage, REQUEST } from "./json-messages.ts";

/** Text that is no request. */
export class JsonRequestError extends Error {
  override readonly name = "JsonRequestError";
}

/** How deep lists and objects may lie in one another. */
const MAX_DEPTH = 200;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d{1,20}$/;
const TEMPORALITIES: ReadonlyMap<string, number> = new Map([
  ["AGGREGATION_TEMPORALITY_UNSPECIFIED", 0],
  ["AGGREGATION_TEMPORALITY_DELTA", 1],
  ["AGGREGATION_TEMPORALITY_CUMULATIVE", 2],
]);

/** Writes the request into `into`, behind what is there. Throws a `JsonRequestError`. Unknown fields are passed over. */
export function writeJsonRequest(text: string, into: WireWriter): void {
  const reader = new JsonRequestReader(text, into);
  reader.message(REQUEST, 0);
  reader.end();
}

class JsonRequestReader {
  readonly #text: string;
  readonly #writer: WireWriter;
  #at = 0;

  constructor(text: string, writer: WireWriter) {
    this.#text = text;
    this.#writer = writer;
  }

  /** The object at hand as a message of this kind. `null` is one without fields. */
  message(fields: JsonMessage, depth: number): void {
    this.#deep(depth);
    if (this.#isNull()) return;
    this.#expect("{");
    if (this.#take("}")) return;
    do {
      const name = this.#string();
      this.#expect(":");
      const field = fields.get(name);
      if (field === undefined) this.#skip(depth + 1);
      else if (!this.#isNull()) this.#value(field, depth + 1);
    } while (this.#take(","));
    this.#expect("}");
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail("nothing more expected");
  }

  #value({ number, kind }: JsonField, depth: number): void {
    const writer = this.#writer;
    if (kind instanceof Map) {
      this.#nested(number, kind, depth);
      return;
    }
    switch (kind) {
      case "text":
        writer.textField(number, this.#string());
        return;
      case "bool":
        writer.uintField(number, this.#bool() ? 1 : 0);
        return;
      case "double":
        writer.doubleField(number, this.#double());
        return;
      case "fixed64":
      case "sfixed64":
        this.#integer(kind === "sfixed64", (high, low) => writer.doubleBitsField(number, high, low));
        return;
      case "int64":
        this.#integer(true, (high, low) => writer.varint64Field(number, high, low));
        return;
      case "uint32":
        writer.uintField(number, this.#small(0, 0xffff_ffff));
        return;
      case "sint32":
        writer.sintField(number, this.#small(-0x8000_0000, 0x7fff_ffff));
        return;
      case "enum":
        writer.uintField(number, this.#temporality());
        return;
      case "hex":
        writer.bytesField(number, this.#encoded("hex"));
        return;
      case "base64":
        writer.bytesField(number, this.#encoded("base64"));
        return;
      case "doubles":
        this.#packed(number, () => writer.packedDouble(this.#double()));
        return;
      case "fixed64s":
        this.#packed(number, () => this.#integer(false, (high, low) => writer.packedDoubleBits(high, low)));
        return;
      case "uint64s":
        this.#packed(number, () => this.#integer(false, (high, low) => writer.uvarint64(high, low)));
        return;
      default:
        this.#deep(depth);
        this.#list(() => this.#nested(number, kind[0], depth + 1));
    }
  }

  #nested(number: number, fields: JsonMessage, depth: number): void {
    const mark = this.#writer.begin(number);
    this.message(fields, depth);
    this.#writer.end(mark);
  }

  #packed(number: number, item: () => void): void {
    this.#writer.tag(number, WireType.bytes);
    this.#writer.uint8(0);
    const mark = this.#writer.length;
    this.#list(item);
    this.#writer.end(mark);
  }

  #list(item: () => void): void {
    this.#expect("[");
    if (this.#take("]")) return;
    do item();
    while (this.#take(","));
    this.#expect("]");
  }

  /** Passes over a value of any kind. */
  #skip(depth: number): void {
    this.#deep(depth);
    const next = this.#peek();
    if (next === '"') this.#string();
    else if (next === "{") {
      this.#expect("{");
      if (this.#take("}")) return;
      do {
        this.#string();
        this.#expect(":");
        this.#skip(depth + 1);
      } while (this.#take(","));
      this.#expect("}");
    } else if (next === "[") this.#list(() => this.#skip(depth + 1));
    else if (next === "t" || next === "f") this.#bool();
    else if (!this.#isNull()) this.#number();
  }

  /** A number of 64 bits, as a number or as text, by its halves. */
  #integer(signed: boolean, write: (high: number, low: number) => void): void {
    const start = this.#at;
    const text = this.#peek() === '"' ? this.#string() : this.#number();
    if (!INTEGER.test(text)) this.#fail("integer expected", start);
    const small = Number(text);
    if (Number.isSafeInteger(small)) {
      if (small < 0 && !signed) this.#fail("number out of range", start);
      write(Math.floor(small / 0x1_0000_0000) >>> 0, small >>> 0);
      return;
    }
    const large = BigInt(text);
    const fits = signed ? large >= -(1n << 63n) && large < 1n << 63n : large >= 0n && large < 1n << 64n;
    if (!fits) this.#fail("number out of range", start);
    write(Number(BigInt.asUintN(32, large >> 32n)), Number(BigInt.asUintN(32, large)));
  }

  #small(least: number, most: number): number {
    const start = this.#at;
    const value = Number(this.#peek() === '"' ? this.#string() : this.#number());
    if (!Number.isInteger(value) || value < least || value > most) this.#fail("number out of range", start);
    return value;
  }

  #double(): number {
    const start = this.#at;
    const text = this.#peek() === '"' ? this.#string() : this.#number();
    const value = parseFloatStrict(text);
    if (value === undefined) this.#fail("number expected", start);
    return value;
  }

  #temporality(): number {
    if (this.#peek() !== '"') return this.#small(0, 0x7fff_ffff);
    const start = this.#at;
    const text = this.#string();
    const value = TEMPORALITIES.get(text) ?? (INTEGER.test(text) ? Number(text) : undefined);
    if (value === undefined || value < 0) this.#fail("unknown aggregation temporality", start);
    return value;
  }

  #encoded(encoding: "hex" | "base64"): Uint8Array {
    const start = this.#at;
    const text = this.#string();
    const bytes = Buffer.from(text, encoding);
    const length = encoding === "hex" ? text.length / 2 : Math.floor((text.replace(/=+$/, "").length * 3) / 4);
    if (bytes.length !== length) this.#fail(`${encoding} expected`, start);
    return bytes;
  }

  #bool(): boolean {
    this.#space();
    for (const word of ["true", "false"]) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return word === "true";
    }
    return this.#fail("true or false expected");
  }

  #isNull(): boolean {
    this.#space();
    if (!this.#text.startsWith("null", this.#at)) return false;
    this.#at += 4;
    return true;
  }

  #number(): string {
    this.#space();
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (found === null) return this.#fail("number expected");
    this.#at = NUMBER.lastIndex;
    return found[0];
  }

  #string(): string {
    this.#expect('"');
    const text = this.#text;
    const start = this.#at;
    let isPlain = true;
    for (let i = start; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0x22) {
        this.#at = i + 1;
        return isPlain ? text.slice(start, i) : this.#unescape(text.slice(start - 1, i + 1));
      }
      if (code < 0x20) this.#fail("control character in a string", i);
      if (code === 0x5c) {
        isPlain = false;
        i++;
      }
    }
    return this.#fail("string without an end", start);
  }

  #unescape(quoted: string): string {
    try {
      return (JSON.parse(quoted) as string).toWellFormed();
    } catch {
      return this.#fail("broken escape in a string");
    }
  }

  #deep(depth: number): void {
    if (depth > MAX_DEPTH) this.#fail("nested too deep");
  }

  #peek(): string {
    this.#space();
    return this.#text[this.#at] ?? "";
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.#fail(`${JSON.stringify(character)} expected`);
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(reason: string, at: number = this.#at): never {
    throw new JsonRequestError(`invalid JSON at character ${at}: ${reason}`);
  }
}
