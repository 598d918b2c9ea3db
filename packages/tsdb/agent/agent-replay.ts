// What an agent's storage learns from its log at the start: which series there are, and how new their samples are.
import type { Metadata } from "@narthex/model";
import type { FileSystem } from "../fs/file-system.ts";
import type { Logger } from "../logger.ts";
import { decodeMetadata } from "../wal/entry-records.ts";
import { lastCheckpoint } from "../wal/format.ts";
import { decodeHistograms, isHistogramRecord } from "../wal/histogram-record.ts";
import { RecordError, RecordType } from "../wal/record.ts";
import { decodeSamples, SampleRecord } from "../wal/sample-record.ts";
import { SeriesRecordCursor } from "../wal/series-record.ts";
import { repairWal, WalReader } from "../wal/wal-reader.ts";
import type { AgentSeries } from "./agent-series.ts";

/** The event loop gets its turn about so often. */
const SLICE_MS = 20;

/** Fills a table of series. A damaged log is cut where it is damaged, as in the reference. */
export class AgentReplay {
  lastRef = 0;
  corruptions = 0;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #series: AgentSeries;
  readonly #metadata: Map<number, Metadata>;
  readonly #logger: Logger;
  readonly #samples = new SampleRecord();
  /** Slots of refs that stand for a series with another ref, and of those series. */
  readonly #aliases = new Map<number, { readonly ended: number; readonly slot: number }>();
  #unknown = 0;

  constructor(fs: FileSystem, directory: string, series: AgentSeries, metadata: Map<number, Metadata>, logger: Logger) {
    this.#fs = fs;
    this.#directory = directory;
    this.#series = series;
    this.#metadata = metadata;
    this.#logger = logger;
  }

  async run(): Promise<void> {
    const checkpoint = lastCheckpoint(this.#fs, this.#directory);
    if (checkpoint !== undefined) {
      await this.#read(new WalReader(this.#fs, checkpoint.path), () => checkpoint.index, false);
      this.#logger.info("WAL checkpoint loaded");
    }
    const reader = new WalReader(this.#fs, this.#directory, { fromSegment: (checkpoint?.index ?? -1) + 1 });
    await this.#read(reader, () => reader.segment, true);
    const { corruption } = reader;
    if (corruption !== undefined) {
      this.corruptions++;
      this.#logger.warn("encountered WAL read error, attempting repair", { err: corruption });
      const { lostBytes, removedSegments } = repairWal(this.#fs, corruption);
      this.#logger.warn("successfully repaired WAL", { lost_bytes: lostBytes, removed_segments: removedSegments });
    }
    if (this.#unknown > 0) {
      this.#logger.warn("found sample referencing non-existing series", { skipped_series: this.#unknown });
    }
  }

  /** `isCut`: where a record is broken, the log is cut in front of it. */
  async #read(reader: WalReader, segment: () => number, isCut: boolean): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MS;
    try {
      while (reader.next()) {
        try {
          this.#take(reader.bytes, reader.start, reader.end, segment(), isCut);
        } catch (error) {
          if (!(error instanceof RecordError)) throw error;
          reader.corruptionHere(error.message);
          return;
        }
        if (performance.now() < sliceEnd) continue;
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + SLICE_MS;
      }
    } finally {
      reader.close();
    }
  }

  #take(bytes: Uint8Array, start: number, end: number, segment: number, isCut: boolean): void {
    const type = start < end ? (bytes[start] as number) : 0;
    if (type === RecordType.series) {
      // All or nothing where the log is cut in front of a broken record: it must know of all series here.
      if (isCut) readThrough(new SeriesRecordCursor(bytes, start, end));
      this.#takeSeries(new SeriesRecordCursor(bytes, start, end), segment);
    } else if (type === RecordType.samples || type === RecordType.samplesV2) {
      const samples = this.#samples;
      decodeSamples(bytes, start, end, samples);
      const { refs, times, count } = samples;
      for (let i = 0; i < count; i++) this.#note(refs[i] as number, times[i] as number, segment);
    } else if (isHistogramRecord(type)) {
      for (const { ref, t } of decodeHistograms(bytes, start, end)) this.#note(ref, t, segment);
    } else if (type === RecordType.metadata) {
      for (const { ref, metadata } of decodeMetadata(bytes, start, end)) {
        if (this.#series.slotOf(ref) !== 0) this.#metadata.set(ref, metadata);
      }
    }
  }

  #takeSeries(cursor: SeriesRecordCursor, segment: number): void {
    const series = this.#series;
    while (cursor.next()) {
      const { ref, labelsStart, bytes } = cursor;
      while (cursor.nextLabel());
      this.lastRef = Math.max(this.lastRef, ref);
      if (series.slotOf(ref) !== 0 || this.#aliases.has(ref)) continue;
      const slot = series.find(bytes, labelsStart, cursor.at);
      if (slot === 0) series.add(ref, bytes, labelsStart, cursor.at);
      else {
        this.#aliases.set(ref, { ended: series.addEnded(ref, bytes, labelsStart, cursor.at, segment), slot });
      }
    }
  }

  #note(ref: number, t: number, segment: number): void {
    const series = this.#series;
    let slot = series.slotOf(ref);
    if (slot === 0) {
      const alias = this.#aliases.get(ref);
      if (alias === undefined) {
        this.#unknown++;
        return;
      }
      series.touchEnded(alias.ended, segment);
      ({ slot } = alias);
    }
    if (t > (series.lastTimes[slot] as number)) series.lastTimes[slot] = t;
  }
}

/** Throws a `RecordError` when something in a record of series is broken. */
function readThrough(cursor: SeriesRecordCursor): void {
  while (cursor.next()) while (cursor.nextLabel());
}
