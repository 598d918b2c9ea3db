// The symbol table of a remote write 2.0 request: where each text lies in the request's bytes.
import { EncodingError, type WireReader } from "@narthex/encoding";
import { RequestV2Field } from "../wire.ts";

/** Symbols are kept as positions, so that a request of any size makes no strings but those that are asked for. */
export class SymbolTable {
  count = 0;
  #starts = new Int32Array(256);
  #ends = new Int32Array(256);

  /** Collects the symbols of the request that `reader` stands in front of, and leaves it at the end. */
  read(reader: WireReader): void {
    this.count = 0;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== RequestV2Field.symbols) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      this.#add(reader.position, reader.end);
      reader.leave(outer);
    }
  }

  start(index: number): number {
    return this.#starts[index] as number;
  }

  end(index: number): number {
    return this.#ends[index] as number;
  }

  #add(start: number, end: number): void {
    if (this.count === this.#starts.length) {
      this.#starts = doubled(this.#starts);
      this.#ends = doubled(this.#ends);
    }
    this.#starts[this.count] = start;
    this.#ends[this.count] = end;
    this.count++;
  }
}

/** Growing lists of symbol refs. */
export class RefList {
  count = 0;
  refs: Uint32Array = new Uint32Array(64);

  /** Reads a packed list, or adds a single value, whichever `reader` stands in front of. */
  read(reader: WireReader): void {
    if (reader.wireType === 0) {
      this.#add(reader.uintField());
      return;
    }
    const outer = reader.enter();
    while (reader.remaining > 0) this.#add(reader.uvarint());
    reader.leave(outer);
  }

  clear(): void {
    this.count = 0;
  }

  #add(ref: number): void {
    if (ref > 0xffffffff) throw new EncodingError("overflow", "symbol reference out of range", 0);
    if (this.count === this.refs.length) {
      const grown = new Uint32Array(this.refs.length * 2);
      grown.set(this.refs);
      this.refs = grown;
    }
    this.refs[this.count++] = ref;
  }
}

function doubled(from: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(from.length * 2);
  grown.set(from);
  return grown;
}
