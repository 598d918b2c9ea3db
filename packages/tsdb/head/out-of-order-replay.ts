// Filling the out-of-order chunks from the out-of-order log (WBL), after the WAL brought the series.
import { headChunkFile } from "../chunk/head-chunks.ts";
import { storableStartTime } from "../chunk/start-time.ts";
import { decodeMmapMarkers } from "../wal/entry-records.ts";
import { decodeHistograms, type HistogramEntry, isHistogramRecord } from "../wal/histogram-record.ts";
import { RecordType } from "../wal/record.ts";
import { decodeSamples, SampleRecord } from "../wal/sample-record.ts";
import type { WalReader } from "../wal/wal-reader.ts";
import type { OutOfOrder } from "./out-of-order.ts";

/** Series built aside before they are shown, at most about so many. */
const STAGED_SAMPLES = 100_000;

/** What the log mentioned without anybody knowing the series. */
export interface UnknownLateRefs {
  readonly refs: Set<number>;
  samples: number;
  markers: number;
}

export class OutOfOrderReplay {
  readonly unknown: UnknownLateRefs = { refs: new Set(), samples: 0, markers: 0 };
  /** Records of kinds that are not kept, by type byte. */
  readonly skippedRecords: Map<number, number> = new Map();
  samples = 0;
  /** The highest ref that the log mentions without anybody knowing the series: it must not be given to another one. */
  highestUnknownRef = 0;
  readonly #outOfOrder: OutOfOrder;
  readonly #recordOf: (ref: number) => number;
  readonly #refOf: (record: number) => number;
  readonly #chunks: ReadonlySet<number>;
  readonly #oldestFile: number;
  readonly #decoded = new SampleRecord();
  #pending = 0;

  /** `chunks` are the references of the out-of-order chunks that were found on disk, `oldestFile` the first file there. */
  constructor(
    outOfOrder: OutOfOrder,
    recordOf: (ref: number) => number,
    refOf: (record: number) => number,
    chunks: ReadonlySet<number>,
    oldestFile: number,
  ) {
    this.#outOfOrder = outOfOrder;
    this.#recordOf = recordOf;
    this.#refOf = refOf;
    this.#chunks = chunks;
    this.#oldestFile = oldestFile;
  }

  /** Applies the record the reader stands on. Throws a `RecordError` when its bytes are no record. */
  apply({ bytes, start, end }: WalReader): void {
    if (start >= end) return;
    const type = bytes[start] as number;
    if (type === RecordType.samples || type === RecordType.samplesV2) this.#applySamples(bytes, start, end);
    else if (type === RecordType.mmapMarkers) this.#applyMarkers(bytes, start, end);
    else if (isHistogramRecord(type)) this.#applyHistograms(decodeHistograms(bytes, start, end));
    else this.skippedRecords.set(type, (this.skippedRecords.get(type) ?? 0) + 1);
  }

  /** Call at the end. */
  finish(): void {
    this.#outOfOrder.endReplay();
    this.#pending = 0;
  }

  #applySamples(bytes: Uint8Array, start: number, end: number): void {
    const decoded = this.#decoded;
    decodeSamples(bytes, start, end, decoded);
    for (let i = 0; i < decoded.count; i++) {
      const record = this.#recordOf(decoded.refs[i] as number);
      if (record === 0) {
        this.unknown.samples++;
        this.#noteUnknown(decoded.refs[i] as number);
        continue;
      }
      const [high, low] = [decoded.halves[2 * i + 1] as number, decoded.halves[2 * i] as number];
      const t = decoded.times[i] as number;
      const startTime = storableStartTime(t, decoded.startTimes?.[i] ?? 0);
      this.#outOfOrder.replay(record, this.#refOf(record), t, high, low, startTime);
      this.samples++;
    }
    this.#pending += decoded.count;
    if (this.#pending > STAGED_SAMPLES) this.finish();
  }

  #applyHistograms(entries: readonly HistogramEntry[]): void {
    // What is there already must be seen, so that it does not come twice.
    this.finish();
    const known = entries.filter(({ ref }) => {
      if (this.#recordOf(ref) !== 0) return true;
      this.unknown.samples++;
      this.#noteUnknown(ref);
      return false;
    });
    this.#outOfOrder.replayHistograms(known, this.#recordOf);
    this.finish();
    this.samples += known.length;
  }

  /** What was logged of a series so far lies in chunks on disk, if the chunk that the marker names came to lie there. */
  #applyMarkers(bytes: Uint8Array, start: number, end: number): void {
    const markers = decodeMmapMarkers(bytes, start, end);
    if (this.#pending > 0) this.finish();
    for (const { ref, chunkRef } of markers) {
      const record = this.#recordOf(ref);
      if (record === 0) {
        this.unknown.markers++;
        this.#noteUnknown(ref);
      } else if (chunkRef === 0 || this.#chunks.has(chunkRef) || headChunkFile(chunkRef) < this.#oldestFile) {
        // A chunk in a file that was removed already went into a block.
        this.#outOfOrder.chunks.clearOpen(record);
      }
    }
  }

  #noteUnknown(ref: number): void {
    if (this.unknown.refs.size < 1_000_000) this.unknown.refs.add(ref);
    if (ref > this.highestUnknownRef && ref < 2 ** 32) this.highestUnknownRef = ref;
  }
}
