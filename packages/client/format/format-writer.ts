// What the writers of all formats share: families as parts that are sealed one by one, so that they can be sorted, taken back when
// their collector fails, and written bit by bit when they are large.
import { type EscapingScheme, escapeLabels, escapeName } from "./escaping.ts";
import type { FamilyHeader, FamilyWriter, NativeBuckets, SampleExemplar, SampleExtras } from "./family-writer.ts";

/** One family: written already, or with a source that will write it when its turn comes. */
export interface FamilyPart<Source> {
  readonly name: string;
  readonly header: FamilyHeader;
  chunk: Chunk | undefined;
  readonly source: Source | undefined;
}

/** A piece of an exposition: text, or bytes of a format that is none. */
export type Chunk = string | Uint8Array;

/** How much is gathered before it goes out, in characters or bytes: enough for sockets, little enough to be made in no time. */
export const CHUNK_SIZE = 65_536;

/** How any format is written. */
export interface WriterOptions {
  readonly escaping?: EscapingScheme;
  /** Whether samples of creation times are written, in formats where these are separate samples. */
  readonly created?: boolean;
  /** What becomes of a family whose name was there before: an error unless given, "skip" leaves it out. */
  readonly repeated?: "refuse" | "skip";
}

/** The base of all writers. */
export abstract class FormatWriter<Source> implements FamilyWriter {
  protected readonly escaping: EscapingScheme;
  protected readonly created: boolean;
  #parts: FamilyPart<Source>[] = [];
  readonly #names = new Set<string>();
  readonly #skipsRepeated: boolean;
  #open: FamilyPart<Source> | undefined;
  #escapes = false;

  constructor(options: WriterOptions = {}) {
    this.escaping = options.escaping ?? "underscores";
    this.created = options.created ?? false;
    this.#skipsRepeated = options.repeated === "skip";
  }

  /**
   * Opens a family. One whose name was there before throws, as consumers refuse such an exposition as a whole; or it is written like any
   * other, and thrown away.
   */
  family(header: FamilyHeader): void {
    this.#seal();
    const part = this.#add(header, undefined);
    this.reopen(part);
    this.#open = part;
  }

  /** Notes a family whose samples its source will write when its turn comes. Repeated names are treated as by `family`. */
  defer(header: FamilyHeader, source: Source): void {
    this.#seal();
    this.#add(header, source);
  }

  /** How far things have come, for `rewind`. */
  mark(): number {
    this.#seal();
    return this.#parts.length;
  }

  /** Takes back every family begun since the mark. */
  rewind(mark: number): void {
    this.#seal();
    for (const part of this.#parts.splice(mark)) this.#names.delete(part.name);
  }

  /** All families so far, sorted by name if asked. */
  finish(sorted: boolean): readonly FamilyPart<Source>[] {
    this.#seal();
    if (sorted) this.#parts.sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#parts;
  }

  /** Begins to write a family that was noted, header first. */
  reopen({ header, name }: FamilyPart<Source>): void {
    this.#escapes = header.utf8 === true && this.escaping !== "allow-utf-8";
    this.begin(header, name);
  }

  /** Labels as this format's reader takes them. */
  protected labels(rendered: string): string {
    return this.#escapes ? escapeLabels(rendered, this.escaping) : rendered;
  }

  /** What can go out already of the open family; undefined while there is little. */
  abstract take(): Chunk | undefined;
  /** The rest of the open family. */
  abstract seal(): Chunk;
  /** What stands at the end of an exposition. */
  abstract end(): Chunk;

  abstract value(labels: string, value: number, created: number, extras?: SampleExtras): void;
  abstract histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
    native?: NativeBuckets,
  ): void;
  abstract summary(
    labels: string,
    quantiles: readonly number[],
    values: ArrayLike<number>,
    sum: number,
    count: number,
    created: number,
  ): void;

  /** Begins a family under the name that `nameOf` gave it. */
  protected abstract begin(header: FamilyHeader, name: string): void;

  /** The name under which the format shows a family. */
  protected nameOf(header: FamilyHeader): string {
    return escapeName(header.name, this.escaping);
  }

  #add(header: FamilyHeader, source: Source | undefined): FamilyPart<Source> {
    const name = this.nameOf(header);
    const part: FamilyPart<Source> = { name, header, chunk: undefined, source };
    if (this.#names.has(name)) {
      if (this.#skipsRepeated) return part;
      throw new Error(`metric family ${name} was collected twice`);
    }
    this.#names.add(name);
    this.#parts.push(part);
    return part;
  }

  #seal(): void {
    if (this.#open === undefined) return;
    this.#open.chunk = this.seal();
    this.#open = undefined;
  }
}
