// The second thread of a replay: reads the log ahead and appends the samples of its lane. See lane-words.ts.
import { parentPort } from "node:worker_threads";
import { NodeFs } from "../fs/node-fs.ts";
import { Fin } from "../head/record.ts";
import { Kernels } from "../kernels/kernels.ts";
import { FINISHED_WORDS, HeadMemory, SLOT_LINK, SLOT_WORDS } from "../memory/layout.ts";
import { PoolWord } from "../memory/pool.ts";
import { RecordType, SAMPLES_HEADER_BYTES, samplesBase } from "../wal/record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { Float, LaneState, LaneWords, RING_CUTS, SECOND_LANE, Word } from "./lane-words.ts";
import { MAX_RING_RECORD, RecordRing } from "./record-ring.ts";
import type { ReplayTask } from "./replay-thread.ts";

/** How long it waits for the main thread before it looks again. */
const WAIT_MS = 100;
/** So many records it reads ahead of the main thread before it turns to its lane. */
const AHEAD = 16;
/** Slots that one sample may take. */
const SLOTS_AT_ONCE = 4;

class ReplayLane {
  readonly #memory: HeadMemory;
  readonly #shared: LaneWords;
  readonly #kernels: Kernels;
  readonly #directory: string;
  readonly #ring: RecordRing;
  #reader: WalReader | undefined;
  /** Whether the reader stands on a record that is not in the ring yet. */
  #hasRecord = false;
  /** Records before this must be done by the main thread before any later samples; per record of the ring, and the newest. */
  readonly #barriers = new Map<number, number>();
  #barrier = 0;

  constructor(memory: HeadMemory, directory: string) {
    this.#memory = memory;
    this.#shared = new LaneWords(memory);
    this.#directory = directory;
    const kernels = Kernels.over(memory, 1, this.#shared.pools);
    if (kernels === undefined) throw new Error("no kernels");
    kernels.lane = SECOND_LANE;
    this.#kernels = kernels;
    this.#ring = new RecordRing(this.#shared);
  }

  run(): void {
    const shared = this.#shared;
    shared.set(Word.state, LaneState.ready);
    shared.signal(Word.laneSignal);
    while (shared.get(Word.state) === LaneState.ready) shared.wait(Word.state, LaneState.ready, WAIT_MS);
    if (shared.get(Word.state) === LaneState.stop) return;
    this.#reader = new WalReader(new NodeFs(), this.#directory, {
      fromSegment: shared.get(Word.segment),
      fromOffset: shared.get(Word.offset) >>> 0,
      kernels: this.#kernels,
    });
    let end: number | undefined;
    for (;;) {
      const seen = shared.get(Word.mainSignal);
      if (shared.get(Word.state) === LaneState.stop) return;
      const ahead = shared.get(Word.produced) - shared.get(Word.mainDone);
      if (ahead >= AHEAD && this.#applyNext()) continue;
      if (end === undefined) {
        const step = this.#readNext();
        if (step === LaneState.ended || step === LaneState.handedOver) end = step;
        if (step !== LaneState.running) continue;
      }
      if (this.#applyNext()) continue;
      if (end !== undefined && shared.get(Word.laneDone) === shared.get(Word.produced)) break;
      shared.wait(Word.mainSignal, seen, WAIT_MS);
    }
    shared.set(Word.state, end);
    shared.signal(Word.laneSignal);
  }

  /** Puts the next record into the ring. `running`: it has no room for now; `ready`: done. */
  #readNext(): number {
    const shared = this.#shared;
    const reader = this.#reader as WalReader;
    if (!this.#hasRecord) {
      let found = false;
      try {
        found = reader.next();
      } catch {
        // The disk refuses: the main thread meets that too, and knows what to say.
        return this.#handOver(reader);
      }
      if (!found) return reader.corruption === undefined ? LaneState.ended : this.#handOver(reader);
      this.#hasRecord = true;
    }
    const { bytes, start, end } = reader;
    if (end - start > MAX_RING_RECORD) return this.#handOver(reader);
    const record = shared.get(Word.produced);
    if (bytes[start] !== RecordType.samples) this.#barrier = record + 1;
    this.#barriers.set(record, this.#barrier);
    if (!this.#ring.put(bytes, start, end, reader.segment, reader.offset)) return LaneState.running;
    this.#hasRecord = false;
    shared.signal(Word.laneSignal);
    return LaneState.ready;
  }

  /** The main thread reads on by itself, from the record where the reader stands. */
  #handOver(reader: WalReader): number {
    this.#shared.set(Word.segment, reader.segment);
    this.#shared.set(Word.offset, reader.offset | 0);
    reader.close();
    return LaneState.handedOver;
  }

  /** Applies its lane of the next record in turn; false when there is none or it must wait. */
  #applyNext(): boolean {
    const shared = this.#shared;
    const record = shared.get(Word.laneDone);
    if (record >= shared.get(Word.produced)) return false;
    const mainDone = shared.get(Word.mainDone);
    if (mainDone < (this.#barriers.get(record) as number)) {
      const entry = shared.entryOf(record);
      // What is not samples has no lane; there is nothing to wait for.
      if (shared.data[shared.entries[entry] as number] === RecordType.samples) return false;
    } else if (!this.#apply(record)) return false;
    this.#barriers.delete(record);
    shared.set(Word.laneDone, record + 1);
    shared.signal(Word.laneSignal);
    return true;
  }

  #apply(record: number): boolean {
    const shared = this.#shared;
    const entry = shared.entryOf(record);
    const start = shared.entries[entry] as number;
    const end = start + (shared.entries[entry + 1] as number);
    const { data } = shared;
    if (data[start] !== RecordType.samples || record >= shared.get(Word.laneLimit)) return true;
    if (shared.get(Word.isStuck) !== 0) return false;
    let at = start + SAMPLES_HEADER_BYTES;
    if (at > end) {
      // Too short for a header: the main thread finds it out, and says so.
      this.#leaveRest(record);
      return true;
    }
    const base = samplesBase(data, start, end);
    const kernels = this.#kernels;
    while (at < end) {
      const count = kernels.decodeSamples(data, at, end, base.ref, base.time);
      if (count === 0) {
        this.#leaveRest(record);
        return true;
      }
      if (!this.#append(count)) {
        shared.set(Word.isStuck, 1);
        shared.signal(Word.laneSignal);
        return false;
      }
      at = kernels.decodedTo;
    }
    return true;
  }

  /** The rest of this record is the main thread's, for both lanes: later samples wait for it. */
  #leaveRest(record: number): void {
    this.#barrier = Math.max(this.#barrier, record + 1);
    for (const [later, barrier] of this.#barriers) {
      if (later > record && barrier <= record) this.#barriers.set(later, record + 1);
    }
  }

  /** Appends what was decoded, as far as it is this lane's; false when it cannot. */
  #append(count: number): boolean {
    const shared = this.#shared;
    const kernels = this.#kernels;
    const { floats, words, slotPool, cellPool } = shared;
    const epoch = shared.get(Word.epoch);
    for (let from = 0; from < count; ) {
      const run = kernels.appendSamples(
        from,
        count,
        epoch,
        floats[Float.minValidTime] as number,
        floats[Float.chunkRangeMs] as number,
        floats[Float.minTime] as number,
        floats[Float.maxTime] as number,
      );
      floats[Float.minTime] = run.minTime;
      floats[Float.maxTime] = run.maxTime;
      words[Word.applied] += run.applied;
      words[Word.chunksCreated] += run.chunksCreated;
      const stopped = from;
      from = run.stoppedAt;
      const cuts = this.#handCuts();
      const refilled =
        this.#refill(slotPool, Word.slotsFirst, Word.slotsLast, SLOTS_AT_ONCE) ||
        this.#refill(cellPool, Word.cellsFirst, Word.cellsLast, 1);
      if (from < count && from === stopped && cuts === 0 && !refilled) return false;
    }
    return true;
  }

  /** Hands cut chunks to the main thread, and waits for it when it has too many already. Returns how many. */
  #handCuts(): number {
    const shared = this.#shared;
    const { cuts } = this.#kernels;
    const count = this.#kernels.takeCuts();
    for (let i = 0; i < count; i++) {
      const written = shared.get(Word.cutsWritten);
      for (;;) {
        const seen = shared.get(Word.mainSignal);
        if (written - shared.get(Word.cutsTaken) < RING_CUTS) break;
        shared.signal(Word.laneSignal);
        shared.wait(Word.mainSignal, seen, WAIT_MS);
      }
      const at = (written % RING_CUTS) * 2;
      shared.cuts[at] = cuts[2 * i];
      shared.cuts[at + 1] = cuts[2 * i + 1];
      shared.set(Word.cutsWritten, written + 1);
    }
    return count;
  }

  /** Takes the main thread's offer of cells when fewer than `needed` are left; waits for one. False when there were enough. */
  #refill(pool: Uint32Array, firstWord: number, lastWord: number, needed: number): boolean {
    const shared = this.#shared;
    if (poolHas(pool, needed)) return false;
    while (!poolHas(pool, needed)) {
      const seen = shared.get(Word.mainSignal);
      const last = shared.get(lastWord);
      if (last === 0) {
        shared.signal(Word.laneSignal);
        shared.wait(Word.mainSignal, seen, WAIT_MS);
        continue;
      }
      this.#keepRest(pool);
      pool[PoolWord.high] = shared.get(firstWord) - 1;
      pool[PoolWord.capacity] = last;
      shared.set(lastWord, 0);
      shared.signal(Word.laneSignal);
    }
    return true;
  }

  /** The few cells that are left of a run go to the pool's free list. */
  #keepRest(pool: Uint32Array): void {
    const { slots, finished } = this.#memory;
    while (pool[PoolWord.high] < pool[PoolWord.capacity]) {
      const index = ++pool[PoolWord.high];
      if (pool === this.#shared.slotPool) slots[index * SLOT_WORDS + SLOT_LINK] = pool[PoolWord.free];
      else finished[index * FINISHED_WORDS + Fin.older] = pool[PoolWord.free];
      pool[PoolWord.free] = index;
      pool[PoolWord.freeCount]++;
    }
  }
}

/** As kernels see it: in one piece, from the run or from the free list. */
function poolHas(pool: Uint32Array, count: number): boolean {
  return pool[PoolWord.high] + count <= pool[PoolWord.capacity] || pool[PoolWord.freeCount] >= count;
}

parentPort?.once("message", ({ memory, layout, directory }: ReplayTask) => {
  const head = new HeadMemory(memory, layout);
  const shared = new LaneWords(head);
  try {
    new ReplayLane(head, directory).run();
  } catch {
    // Whatever it was: the main thread goes on alone, and meets it too if it lies in the log.
    shared.set(Word.state, LaneState.failed);
  }
  shared.set(Word.hasLeft, 1);
  shared.signal(Word.laneSignal);
});
