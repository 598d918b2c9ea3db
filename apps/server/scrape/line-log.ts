// Where the samples of a body stand: what making a template of it needs to know.
import { Entry, type SampleParser } from "@narthex/exposition";
import { type FamilyNote, hashSeries } from "./template.ts";

/** Capacity kept between bodies. */
const KEPT_LINES = 1 << 15;

/** What `places` says of a line whose series nobody looked up. */
export const UNKNOWN_PLACE = 0x7fff_ffff;

/** The lines of one body, side by side; used again for the next one. All positions are offsets into the body. */
export class LineLog {
  count = 0;
  seriesStarts: Int32Array = new Int32Array(1024);
  seriesEnds: Int32Array = new Int32Array(1024);
  valueStarts: Int32Array = new Int32Array(1024);
  /** Where the line break is that ends each line. */
  ends: Int32Array = new Int32Array(1024);
  typeCodes: Uint8Array = new Uint8Array(1024);
  /** Of the series texts, as `hashSeries` gives them. */
  hashes: Int32Array = new Int32Array(1024);
  /** Whose series they are: -1 minus the position beside the template, or `UNKNOWN_PLACE`. */
  places: Int32Array = new Int32Array(1024);
  readonly notes: FamilyNote[] = [];
  /** Before which line each note stands. */
  readonly noteLines: number[] = [];

  clear(): void {
    this.count = 0;
    this.notes.length = 0;
    this.noteLines.length = 0;
    if (this.ends.length > KEPT_LINES) this.#resize(1024);
  }

  note(family: string, kind: FamilyNote["kind"], text: string): void {
    this.notes.push({ family, kind, text });
    this.noteLines.push(this.count);
  }

  /** Adds the sample that the parser stands on. */
  add(parser: SampleParser, typeCode: number, hash: number, place: number): void {
    if (this.count === this.ends.length) this.#resize(this.count * 2);
    const at = this.count++;
    this.seriesStarts[at] = parser.seriesStart;
    this.seriesEnds[at] = parser.seriesEnd;
    this.valueStarts[at] = parser.valueStart;
    this.ends[at] = parser.position - 1;
    this.typeCodes[at] = typeCode;
    this.hashes[at] = hash;
    this.places[at] = place;
  }

  /** Reads a body that is known to be good, from its beginning. */
  read(parser: SampleParser, bytes: Uint8Array): void {
    this.clear();
    parser.seek(0);
    parser.typeCode = 0;
    for (let kind = parser.next(); kind !== Entry.end; kind = parser.next()) {
      if (kind === Entry.type) this.note(parser.family, "type", parser.metricType);
      else if (kind === Entry.help) this.note(parser.family, "help", parser.text);
      else if (kind === Entry.unit) this.note(parser.family, "unit", parser.text);
      if (kind !== Entry.sample) continue;
      this.add(parser, parser.typeCode, hashSeries(bytes, parser.seriesStart, parser.seriesEnd), UNKNOWN_PLACE);
    }
  }

  #resize(capacity: number): void {
    const kept = Math.min(this.count, capacity);
    const moved = (from: Int32Array): Int32Array => {
      const into = new Int32Array(capacity);
      into.set(from.subarray(0, kept));
      return into;
    };
    this.seriesStarts = moved(this.seriesStarts);
    this.seriesEnds = moved(this.seriesEnds);
    this.valueStarts = moved(this.valueStarts);
    this.ends = moved(this.ends);
    this.hashes = moved(this.hashes);
    this.places = moved(this.places);
    const typeCodes = new Uint8Array(capacity);
    typeCodes.set(this.typeCodes.subarray(0, kept));
    this.typeCodes = typeCodes;
  }
}
