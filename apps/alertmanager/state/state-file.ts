// The files that outlive the process: records of one format one behind the other, each with its length in front.
//
// The format is the reference's, for which the file is a snapshot that is written every quarter of an hour. Since a later record
// replaces an earlier one of the same key, the file can also be appended to: that is how a change is safe before it is
// acknowledged. Now and then, and at the end, a fresh snapshot takes the file's place.
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ByteReader, ByteWriter, EncodingError } from "@narthex/encoding";
import { damagedPath, writeDurably } from "./durable-file.ts";

/** Changes that came while others were being written go to the disk together; more than this at once are several writes. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** No record of either state can be as long; what claims to be is damage. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
/** A file that has grown by appending is written anew when it is larger than this and has doubled. */
const COMPACT_FROM_BYTES = 1024 * 1024;

/** What was found in a file. `damagedBytes` were at its end and could not be read; they were set aside. */
export interface LoadedState {
  readonly records: number;
  readonly damagedBytes: number;
  readonly setAside: string | undefined;
}

/** Where a state is kept. */
export interface StateStore {
  load(take: (record: Uint8Array) => void): Promise<LoadedState>;
  append(record: Uint8Array): Promise<void>;
  compact(): Promise<number>;
  close(): Promise<void>;
}

/** Keeps nothing: for tests. */
export const noStore: StateStore = {
  load: () => Promise.resolve({ records: 0, damagedBytes: 0, setAside: undefined }),
  append: () => Promise.resolve(),
  compact: () => Promise.resolve(0),
  close: () => Promise.resolve(),
};

interface Waiting {
  readonly bytes: Uint8Array;
  resolve(): void;
  reject(error: Error): void;
}

export class StateFile implements StateStore {
  readonly #path: string;
  readonly #snapshot: () => Uint8Array;
  #handle: FileHandle | undefined;
  #waiting: Waiting[] = [];
  /** Everything that touches the file runs one after the other. */
  #work: Promise<void> = Promise.resolve();
  #flushing = false;
  #sizeBytes = 0;
  #snapshotBytes = 0;

  /** `snapshot` gives all records that are to be kept. */
  constructor(path: string, snapshot: () => Uint8Array) {
    this.#path = path;
    this.#snapshot = snapshot;
  }

  /**
   * Hands every record to `take`, which throws for what is no record of its kind. From the first one on that cannot be read, the
   * rest is set aside in a file of its own, and does not stop the start.
   */
  async load(take: (record: Uint8Array) => void): Promise<LoadedState> {
    await mkdir(dirname(this.#path), { recursive: true });
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return { records: 0, damagedBytes: 0, setAside: undefined };
    }
    const { records, end } = readRecords(bytes, take);
    this.#sizeBytes = end;
    this.#snapshotBytes = end;
    if (end === bytes.length) return { records, damagedBytes: 0, setAside: undefined };
    const setAside = damagedPath(this.#path);
    await writeDurably(setAside, bytes.subarray(end));
    await this.#replace(bytes.subarray(0, end));
    return { records, damagedBytes: bytes.length - end, setAside };
  }

  /** Resolves once the record is on the disk. Rejects when it could not be written. */
  append(record: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: framed(record), resolve, reject });
      if (this.#flushing) return;
      this.#flushing = true;
      this.#work = this.#work.then(() => this.#flush());
    });
  }

  /** Writes all records anew, aside, and puts them in the file's place. Resolves to their size. */
  compact(): Promise<number> {
    const run = this.#work.then(() => this.#replace(this.#snapshot()));
    this.#work = run.then(
      () => {},
      () => {},
    );
    return run;
  }

  /** Ends with a fresh snapshot. */
  async close(): Promise<void> {
    await this.compact();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(Buffer.concat(batch.map(({ bytes }) => bytes)));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error as Error);
      }
    }
    this.#flushing = false;
    const hasDoubled = this.#sizeBytes > Math.max(COMPACT_FROM_BYTES, this.#snapshotBytes * 2);
    if (hasDoubled) await this.#replace(this.#snapshot()).catch(() => {});
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < MAX_BATCH_BYTES))
      bytes += (this.#waiting[count++] as Waiting).bytes.length;
    return this.#waiting.splice(0, count);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#handle ??= await open(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o666);
    try {
      await this.#handle.appendFile(bytes);
      await this.#handle.datasync();
      this.#sizeBytes += bytes.length;
    } catch (error) {
      // A part of a record may be there: whoever reads the file would stop at it.
      await this.#handle.truncate(this.#sizeBytes).catch(() => {});
      throw error;
    }
  }

  async #replace(bytes: Uint8Array): Promise<number> {
    await this.#handle?.close();
    this.#handle = undefined;
    await writeDurably(this.#path, bytes);
    this.#sizeBytes = bytes.length;
    this.#snapshotBytes = bytes.length;
    return bytes.length;
  }
}

/** Reads records up to the end or to the first that is damaged; `end` is where that begins. */
export function readRecords(bytes: Uint8Array, take: (record: Uint8Array) => void): { records: number; end: number } {
  const reader = new ByteReader(bytes);
  let records = 0;
  let end = 0;
  try {
    while (reader.remaining > 0) {
      const length = reader.uvarint();
      if (length > MAX_RECORD_BYTES) break;
      take(reader.view(length));
      end = reader.position;
      records++;
    }
  } catch {
    // What follows is no record: the caller sees it by `end`.
  }
  return { records, end };
}

/**
 * Takes records of a file, as `StateStore.load` hands them over. One that is sound but says what cannot be is left out and told to
 * `refuse`: it must not keep away those that follow. One that is damaged throws.
 */
export function takingSound<T>(
  decode: (record: Uint8Array) => T,
  take: (entry: T) => void,
  refuse: (error: Error) => void,
): (record: Uint8Array) => void {
  return (record) => {
    let entry: T;
    try {
      entry = decode(record);
    } catch (error) {
      if (error instanceof EncodingError) throw error;
      refuse(error as Error);
      return;
    }
    take(entry);
  };
}

/**
 * What another member's records say. One that cannot be understood (`refused` is why, of the last such) is left out: it must not
 * keep the others away. Throws for bytes that are no records.
 */
export function decodedRecords<T>(
  bytes: Uint8Array,
  decode: (record: Uint8Array) => T,
): { readonly entries: readonly T[]; readonly refused: Error | undefined } {
  const entries: T[] = [];
  let refused: Error | undefined;
  const { end } = readRecords(bytes, (record) => {
    try {
      entries.push(decode(record));
    } catch (error) {
      refused = error as Error;
    }
  });
  if (end !== bytes.length) throw new Error("invalid state");
  return { entries, refused };
}

/** A record with its length in front. */
export function framed(record: Uint8Array): Uint8Array {
  const writer = new ByteWriter(record.length + 5);
  writer.uvarint(record.length);
  writer.raw(record);
  return writer.toBytes();
}
