// The main thread's side of a replay by two threads: a log whose records come from the second one, as soon as that is up. Until
// then, and wherever the second thread leaves off, this thread reads by itself. See lane-words.ts.
import type { FileSystem } from "../fs/file-system.ts";
import type { Head } from "../head/head.ts";
import type { Lane } from "../kernels/kernels.ts";
import { type Pool, PoolWord } from "../memory/pool.ts";
import { listSegments, type Segment, type WalCorruptionError } from "../wal/format.ts";
import { RecordType } from "../wal/record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { Float, LaneState, LaneWords, MAIN_LANE, RING_CUTS, Word } from "./lane-words.ts";
import type { ReplayThread } from "./replay-thread.ts";

/** Cells offered to the second thread at a time. */
const OFFERED_CELLS = 4096;
const WAIT_MS = 100;
/** Without a sign from the second thread for so long the start gives up. */
const PATIENCE_WAITS = 3000;

/** What a log needs to know. */
export interface TwoLaneLogOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly fromSegment: number;
  readonly onSegment: (index: number) => void;
  /** The second thread, its own from now on. */
  readonly thread: ReplayThread;
  /** Applies the samples of a record, of all lanes; those that are there already change nothing. */
  readonly applySamples: (bytes: Uint8Array, start: number, end: number) => void;
}

/** Walks over all records of a log, as `WalReader` does; `lane` tells which samples are this thread's. */
export class TwoLaneLog {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  corruption: WalCorruptionError | undefined = undefined;
  readonly segments: readonly Segment[];
  readonly #head: Head;
  readonly #options: TwoLaneLogOptions;
  readonly #shared: LaneWords;
  /** What this thread reads by itself; undefined while both work. */
  #reader: WalReader | undefined;
  #together = false;
  /** Samples that the second thread appended; known in the end. */
  otherLaneSamples = 0;
  /** Whether all samples are this thread's again. */
  #lanesEnded = false;
  /** Number of the current record among those of the ring. */
  #index = -1;
  #segment: number;

  /** Lets the second thread begin. The log must stay as it is until `close`. */
  constructor(head: Head, options: TwoLaneLogOptions) {
    this.#head = head;
    this.#options = options;
    this.segments = listSegments(options.fs, options.directory).filter(({ index }) => index >= options.fromSegment);
    this.#segment = this.segments[0]?.index ?? options.fromSegment;
    this.#shared = new LaneWords(head.memory);
    this.#shared.words.fill(0);
    this.#shared.set(Word.laneLimit, 0x7fff_ffff);
    this.#reader = this.#readerFrom(options.fromSegment, 0);
    const { memory, layout } = head.memory;
    options.thread.begin({ memory, layout, directory: options.directory });
  }

  /** When the second thread can begin; `next` lets it. For tests: nobody has to wait for it. */
  async whenUp(): Promise<void> {
    while (this.#shared.get(Word.state) === LaneState.starting) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** The samples that are this thread's to apply; undefined: all. */
  get lane(): Lane | undefined {
    return this.#together && !this.#lanesEnded ? MAIN_LANE : undefined;
  }

  /** Goes to the next record; false at the end, or at damage (then `corruption` is set). Throws disk errors. */
  next(): boolean {
    if (!this.#together) return this.#nextAlone();
    const shared = this.#shared;
    this.#serve(this.#index);
    shared.set(Word.mainDone, this.#index + 1);
    shared.signal(Word.mainSignal);
    const index = this.#index + 1;
    for (let waits = 0; ; ) {
      const seen = shared.get(Word.laneSignal);
      const state = shared.get(Word.state);
      if (shared.get(Word.produced) > index) break;
      if (state !== LaneState.running) return this.#readOn(state);
      this.#serve(this.#index);
      waits = this.#waitForLane(seen, waits);
    }
    this.#index = index;
    const entry = shared.entryOf(index);
    this.bytes = shared.data;
    this.start = shared.entries[entry];
    this.end = this.start + shared.entries[entry + 1];
    this.#reached(shared.entries[entry + 2]);
    return true;
  }

  /** Waits until the other lane's samples of all records before this one are applied, and with `including` those of this one. */
  settle(including: boolean): void {
    if (!this.#together || this.#lanesEnded) return;
    const shared = this.#shared;
    const target = including ? this.#index + 1 : this.#index;
    for (let waits = 0; ; ) {
      const seen = shared.get(Word.laneSignal);
      if (shared.get(Word.laneDone) >= target) {
        // What comes next may end series: their chunks must be known here.
        this.#takeCuts();
        return;
      }
      this.#serve(target - 1);
      if (this.#lanesEnded) return;
      waits = this.#waitForLane(seen, waits);
    }
  }

  /** From the next record on all samples are this thread's: refs of the log do not mean what the other thread takes them for. */
  endLanes(): void {
    if (this.#lanesEnded) return;
    this.settle(false);
    this.#lanesEnded = true;
    // It may not have begun: then it reads ahead, and nothing more.
    this.#shared.set(Word.laneLimit, 0);
    this.#shared.signal(Word.mainSignal);
  }

  /** As `WalReader.corruptionHere`. */
  corruptionHere(reason: string): WalCorruptionError {
    let reader = this.#reader;
    if (reader === undefined) {
      const { entries } = this.#shared;
      const entry = this.#shared.entryOf(this.#index);
      reader = this.#readerFrom(entries[entry + 2], entries[entry + 3]);
      reader.next();
    }
    this.corruption = reader.corruptionHere(reason);
    return this.corruption;
  }

  /** Ends the second thread. Idempotent. */
  close(): void {
    this.#reader?.close();
    if (this.#together) this.#join();
    this.#shared.set(Word.state, LaneState.stop);
    Atomics.notify(this.#shared.words, Word.state);
    this.#shared.signal(Word.mainSignal);
  }

  #readerFrom(fromSegment: number, fromOffset: number): WalReader {
    const { fs, directory, onSegment } = this.#options;
    return new WalReader(fs, directory, { fromSegment, fromOffset, onSegment, kernels: this.#head.kernels });
  }

  #nextAlone(): boolean {
    const reader = this.#reader as WalReader;
    const shared = this.#shared;
    if (this.#index < 0 && shared.get(Word.state) === LaneState.ready) {
      this.#begin(reader);
      return this.next();
    }
    const found = reader.next();
    this.bytes = reader.bytes;
    this.start = reader.start;
    this.end = reader.end;
    this.corruption = reader.corruption;
    return found;
  }

  /** The second thread is up: it reads on from here. */
  #begin(reader: WalReader): void {
    const { snapshots, times, chunkRangeMs } = this.#head;
    const shared = this.#shared;
    const { segment, offset } = reader.position;
    reader.close();
    this.#reader = undefined;
    this.#together = true;
    this.#segment = segment;
    shared.set(Word.segment, segment);
    shared.set(Word.offset, offset | 0);
    shared.set(Word.epoch, snapshots.epoch);
    shared.floats[Float.minTime] = Infinity;
    shared.floats[Float.maxTime] = -Infinity;
    shared.floats[Float.minValidTime] = times.minValid;
    shared.floats[Float.chunkRangeMs] = chunkRangeMs;
    shared.slotPool.fill(0);
    shared.cellPool.fill(0);
    this.#offer();
    shared.set(Word.state, LaneState.running);
    Atomics.notify(shared.words, Word.state);
  }

  /** The second thread has left off, and everything it produced is applied: the rest is read here. */
  #readOn(state: number): boolean {
    const shared = this.#shared;
    const last = shared.get(Word.produced) - 1;
    const segment = shared.get(Word.segment);
    const offset = shared.get(Word.offset) >>> 0;
    this.#join();
    if (state === LaneState.ended) {
      this.#reached(Infinity);
      return false;
    }
    if (state === LaneState.handedOver || last < 0) {
      this.#reached(segment);
      this.#reader = this.#readerFrom(segment, offset);
    } else {
      // It failed: on from behind what it read last.
      const entry = shared.entryOf(last);
      this.#reached(shared.entries[entry + 2]);
      this.#reader = this.#readerFrom(shared.entries[entry + 2], shared.entries[entry + 3]);
      this.#reader.next();
    }
    return this.#nextAlone();
  }

  /** Takes over what the second thread did. */
  #join(): void {
    const shared = this.#shared;
    const head = this.#head;
    if (shared.get(Word.state) === LaneState.running) shared.set(Word.state, LaneState.stop);
    for (let waits = 0; ; ) {
      const seen = shared.get(Word.laneSignal);
      if (shared.get(Word.hasLeft) === 1) break;
      this.#takeCuts();
      this.#offer();
      shared.signal(Word.mainSignal);
      waits = this.#waitForLane(seen, waits);
    }
    this.#together = false;
    this.#takeCuts();
    head.room.moveOut(Infinity);
    this.otherLaneSamples = shared.words[Word.applied] >>> 0;
    head.counters.samplesAppended += this.otherLaneSamples;
    head.counters.chunksCreated += shared.words[Word.chunksCreated];
    head.times.min = Math.min(head.times.min, shared.floats[Float.minTime]);
    head.times.max = Math.max(head.times.max, shared.floats[Float.maxTime]);
    takeBack(head.room.slots, shared.slotPool, shared.get(Word.slotsFirst), shared.get(Word.slotsLast));
    takeBack(head.room.cells, shared.cellPool, shared.get(Word.cellsFirst), shared.get(Word.cellsLast));
  }

  /** What the second thread needs from this one: cells, room for cut chunks, and an end of its lane when it is stuck. */
  #serve(upTo: number): void {
    this.#takeCuts();
    this.#offer();
    const shared = this.#shared;
    const hasFailed = shared.get(Word.state) === LaneState.failed;
    if (this.#lanesEnded || (shared.get(Word.isStuck) === 0 && !hasFailed)) return;
    // Its records are still in the ring, and applying a sample twice does nothing.
    this.#lanesEnded = true;
    for (let record = shared.get(Word.laneDone); record <= upTo; record++) {
      const entry = shared.entryOf(record);
      const start = shared.entries[entry];
      if (shared.data[start] !== RecordType.samples) continue;
      this.#options.applySamples(shared.data, start, start + shared.entries[entry + 1]);
    }
    shared.set(Word.laneLimit, 0);
    shared.signal(Word.mainSignal);
  }

  #offer(): void {
    const shared = this.#shared;
    const offer = (pool: Pool, firstWord: number, lastWord: number): void => {
      if (shared.get(lastWord) !== 0) return;
      const { first, last } = pool.takeRun(OFFERED_CELLS);
      shared.set(firstWord, first);
      shared.set(lastWord, last);
      shared.signal(Word.mainSignal);
    };
    offer(this.#head.room.slots, Word.slotsFirst, Word.slotsLast);
    offer(this.#head.room.cells, Word.cellsFirst, Word.cellsLast);
  }

  #takeCuts(): void {
    const shared = this.#shared;
    const { finished, table } = this.#head;
    const written = shared.get(Word.cutsWritten);
    let taken = shared.get(Word.cutsTaken);
    if (taken === written) return;
    for (; taken < written; taken++) {
      const at = (taken % RING_CUTS) * 2;
      finished.adoptCut(shared.cuts[at], table.refOf(shared.cuts[at + 1]));
    }
    shared.set(Word.cutsTaken, taken);
    shared.signal(Word.mainSignal);
  }

  /** Waits for a sign of the second thread, and counts how often none came. */
  #waitForLane(seen: number, waits: number): number {
    const shared = this.#shared;
    shared.wait(Word.laneSignal, seen, WAIT_MS);
    if (shared.get(Word.laneSignal) !== seen) return 0;
    if (waits > PATIENCE_WAITS) throw new Error("the second thread of the replay does not answer any more");
    return waits + 1;
  }

  /** Tells of the segments before `segment`, which are through. */
  #reached(segment: number): void {
    if (segment === this.#segment) return;
    for (const { index } of this.segments) {
      if (index >= this.#segment && index < segment) this.#options.onSegment(index);
    }
    this.#segment = segment;
  }
}

/** Gives back what is left of a pool's runs, the open offer included. */
function takeBack(pool: Pool, state: Uint32Array, offeredFirst: number, offeredLast: number): void {
  if (offeredLast !== 0) pool.giveRun(offeredFirst, offeredLast);
  pool.giveRun(state[PoolWord.high] + 1, state[PoolWord.capacity]);
  for (let index = state[PoolWord.free]; index !== 0; ) {
    const next = pool.linkOf(index);
    pool.give(index);
    index = next;
  }
}
