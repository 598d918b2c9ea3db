// The second thread of a replay: reads the log ahead of the main thread. See ahead-words.ts.
import { workerData } from "node:worker_threads";
import { NodeFs } from "../fs/node-fs.ts";
import { Kernels } from "../kernels/kernels.ts";
import { HeadMemory } from "../memory/layout.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { AheadState, AheadWords, Left, STRETCH_BYTES, STRETCHES, WAIT_MS, Word } from "./ahead-words.ts";
import type { ReplayTask } from "./replay-thread.ts";
import { MAX_STRETCH_RECORD, StretchWriter } from "./stretch-writer.ts";

/** So many bytes of records are worth being applied, while there is nothing else to apply. */
const WORTH_BYTES = 2 ** 18;

/** So near its end (in bytes of the log) stretches get short, as the main thread has to wait for each to be filled. */
const TAIL_BYTES = 3 * 2 ** 20;
const SHORT_STRETCH_BYTES: number = STRETCH_BYTES / 4;

class AheadReader {
  readonly #shared: AheadWords;
  readonly #kernels: Kernels;
  readonly #directory: string;
  /** Number of the stretch that is being filled. */
  #number = 0;
  #stretch: StretchWriter;
  #logBytes = 0;

  constructor(memory: HeadMemory, shared: AheadWords, directory: string) {
    this.#shared = shared;
    this.#directory = directory;
    const kernels = Kernels.over(memory, 1);
    if (kernels === undefined) throw new Error("no kernels");
    this.#kernels = kernels;
    this.#stretch = new StretchWriter(this.#shared.stretch(0), kernels);
  }

  /** Reads to the end, or as far as it comes. When the disk refuses it throws: the main thread meets that too. */
  run(): void {
    const shared = this.#shared;
    const reader = new WalReader(new NodeFs(), this.#directory, {
      fromSegment: shared.get(Word.segment) >>> 0,
      fromOffset: shared.get(Word.offset) >>> 0,
      kernels: this.#kernels,
    });
    for (const { bytes } of reader.segments) this.#logBytes += bytes;
    try {
      this.#leaveOff(reader, this.#passAll(reader) ? AheadState.ended : AheadState.handedOver);
    } finally {
      reader.close();
    }
  }

  /** Whether all of the log went into stretches. */
  #passAll(reader: WalReader): boolean {
    while (reader.next()) if (!this.#pass(reader)) return false;
    return reader.corruption === undefined;
  }

  /** Puts the reader's record into a stretch, when there is room; false when it cannot go there, or is not wanted any more. */
  #pass(reader: WalReader): boolean {
    if (reader.end - reader.start > MAX_STRETCH_RECORD) return false;
    if (!this.#stretch.put(reader)) {
      this.#hand(reader.segment, reader.offset);
      if (!this.#isNextFree()) return false;
      this.#stretch.put(reader);
    }
    if (!this.#isWorthHanding(reader)) return true;
    const { segment, offset } = reader.position;
    this.#hand(segment, offset);
    return this.#isNextFree();
  }

  /** Whether the main thread should have the stretch before it is full. */
  #isWorthHanding({ bytesRead }: WalReader): boolean {
    const { size, hasOpenRows } = this.#stretch;
    if (this.#logBytes - bytesRead < TAIL_BYTES) return size >= SHORT_STRETCH_BYTES;
    // Rows are worth waiting for more of them.
    return !hasOpenRows && size >= WORTH_BYTES && this.#shared.get(Word.isIdle) === 1;
  }

  /** Gives the stretch to the main thread and goes to the next one. The log goes on at this position. */
  #hand(segment: number, offset: number): void {
    if (this.#stretch.records === 0) return;
    const shared = this.#shared;
    this.#stretch.finish(segment, offset);
    this.#number++;
    shared.set(Word.isIdle, 0);
    shared.set(Word.filled, this.#number);
    shared.signal(Word.readerSignal);
    this.#stretch = new StretchWriter(shared.stretch(this.#number), this.#kernels);
  }

  /** Waits until the main thread is done with what stands where the next stretch goes; false when none is wanted any more. */
  #isNextFree(): boolean {
    const shared = this.#shared;
    for (;;) {
      const seen = shared.get(Word.mainSignal);
      if (shared.state === AheadState.stop) return false;
      if (this.#number - shared.get(Word.done) < STRETCHES) return true;
      shared.wait(Word.mainSignal, seen, WAIT_MS);
    }
  }

  /** The main thread reads on by itself: from the record where the reader stands, if not from the end. */
  #leaveOff(reader: WalReader, state: number): void {
    const shared = this.#shared;
    this.#hand(reader.segment, reader.offset);
    shared.set(Word.segment, reader.segment);
    shared.set(Word.offset, reader.offset | 0);
    shared.change(AheadState.running, state);
    shared.signal(Word.readerSignal);
  }
}

/** Whether the thread may begin. If the main thread has begun already, it waits to be told where to go on. */
function isWanted(shared: AheadWords): boolean {
  if (shared.change(AheadState.starting, AheadState.running)) return true;
  shared.change(AheadState.late, AheadState.ready);
  while (shared.state === AheadState.ready) shared.waitWhile(AheadState.ready, WAIT_MS);
  return shared.state === AheadState.running;
}

function run({ memory, layout, directory, log }: ReplayTask): void {
  const head = new HeadMemory(memory, layout);
  const shared = new AheadWords(head, log);
  if (!isWanted(shared)) return;
  try {
    new AheadReader(head, shared, directory).run();
  } catch {
    // Whatever it was: the main thread goes on alone behind what was filled, and meets it too if it lies in the log.
    shared.change(AheadState.running, AheadState.failed);
  }
  shared.set(Word.left, Left.yes);
  shared.signal(Word.readerSignal);
}

run(workerData as ReplayTask);
