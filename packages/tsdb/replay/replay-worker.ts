// The second thread of a replay: reads the log ahead of the main thread. See ahead-words.ts.
import { parentPort } from "node:worker_threads";
import { NodeFs } from "../fs/node-fs.ts";
import { Kernels, Soundness } from "../kernels/kernels.ts";
import { HeadMemory } from "../memory/layout.ts";
import { RecordType, SAMPLES_HEADER_BYTES, samplesBase } from "../wal/record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { AheadState, AheadWords, Entry, MAX_RECORDS, WINDOW_BYTES, Word } from "./ahead-words.ts";
import { MAX_RING_RECORD, RecordRing } from "./record-ring.ts";
import type { ReplayTask } from "./replay-thread.ts";

/** How long it waits for the main thread before it looks again. */
const WAIT_MS = 100;

class AheadReader {
  readonly #shared: AheadWords;
  readonly #kernels: Kernels;
  readonly #directory: string;
  readonly #ring: RecordRing;
  /** Bytes of records that are in the ring but not offered yet. */
  #heldBytes = 0;

  constructor(memory: HeadMemory, directory: string) {
    this.#shared = new AheadWords(memory);
    this.#directory = directory;
    const kernels = Kernels.over(memory, 1);
    if (kernels === undefined) throw new Error("no kernels");
    this.#kernels = kernels;
    this.#ring = new RecordRing(this.#shared);
  }

  /** Waits until it may begin; false when it never will. */
  isWanted(log: number): boolean {
    const shared = this.#shared;
    if (shared.get(Word.log) !== log) return false;
    Atomics.compareExchange(shared.words, Word.state, AheadState.starting, AheadState.ready);
    while (shared.get(Word.state) === AheadState.ready && shared.get(Word.log) === log) {
      shared.wait(Word.state, AheadState.ready, WAIT_MS);
    }
    return shared.get(Word.state) === AheadState.running && shared.get(Word.log) === log;
  }

  /** Reads to the end, or as far as it comes. When the disk refuses it throws: the main thread meets that too. */
  run(): void {
    const shared = this.#shared;
    const reader = new WalReader(new NodeFs(), this.#directory, {
      fromSegment: shared.get(Word.segment) >>> 0,
      fromOffset: shared.get(Word.offset) >>> 0,
      kernels: this.#kernels,
    });
    try {
      this.#leaveOff(reader, this.#passAll(reader) ? AheadState.ended : AheadState.handedOver);
    } finally {
      reader.close();
    }
  }

  /** Whether all of the log went through the ring. */
  #passAll(reader: WalReader): boolean {
    while (reader.next()) if (!this.#pass(reader)) return false;
    return reader.corruption === undefined;
  }

  /** Puts the reader's record into the ring, when that has room; false when it cannot go there, or is not wanted any more. */
  #pass(reader: WalReader): boolean {
    const shared = this.#shared;
    const { bytes, start, end } = reader;
    if (end - start > MAX_RING_RECORD || shared.get(Word.produced) === MAX_RECORDS) return false;
    let entry: number;
    for (;;) {
      const seen = shared.get(Word.mainSignal);
      if (shared.get(Word.state) === AheadState.stop) return false;
      entry = this.#ring.put(bytes, start, end, reader.segment, reader.offset);
      if (entry >= 0) break;
      this.#offer();
      shared.wait(Word.mainSignal, seen, WAIT_MS);
    }
    const isSound = this.#lookOver(entry);
    shared.set(Word.produced, shared.get(Word.produced) + 1);
    this.#heldBytes += end - start;
    // What no window reaches over is applied at once.
    if (!isSound || this.#heldBytes >= WINDOW_BYTES) this.#offer();
    return true;
  }

  /** Notes what samples the record of an entry has; false when it is none of plain samples. */
  #lookOver(entry: number): boolean {
    const { data, entries } = this.#shared;
    const start = entries[entry + Entry.at] as number;
    const end = start + (entries[entry + Entry.length] as number);
    const body = start + SAMPLES_HEADER_BYTES;
    if (data[start] !== RecordType.samples || body >= end) return false;
    const soundness = this.#kernels.scanSamples(data, body, end, samplesBase(data, start, end).ref);
    if (soundness === Soundness.unsure) return false;
    const { shape, lowestRef, highestRef } = this.#kernels.scanned;
    entries[entry + Entry.soundness] = soundness;
    entries[entry + Entry.shape] = shape;
    entries[entry + Entry.lowestRef] = lowestRef;
    entries[entry + Entry.highestRef] = highestRef;
    return true;
  }

  /** Lets the main thread take all that is in the ring. */
  #offer(): void {
    const shared = this.#shared;
    this.#heldBytes = 0;
    shared.set(Word.offered, shared.get(Word.produced));
    shared.signal(Word.readerSignal);
  }

  /** The main thread reads on by itself: from the record where the reader stands, if not from the end. */
  #leaveOff(reader: WalReader, state: number): void {
    const shared = this.#shared;
    shared.set(Word.segment, reader.segment);
    shared.set(Word.offset, reader.offset | 0);
    this.#offer();
    Atomics.compareExchange(shared.words, Word.state, AheadState.running, state);
    shared.signal(Word.readerSignal);
  }
}

parentPort?.once("message", ({ memory, layout, directory, log }: ReplayTask) => {
  const head = new HeadMemory(memory, layout);
  const shared = new AheadWords(head);
  const reader = new AheadReader(head, directory);
  if (!reader.isWanted(log)) return;
  try {
    reader.run();
  } catch {
    // Whatever it was: the main thread goes on alone behind what was produced, and meets it too if it lies in the log.
    shared.set(Word.state, AheadState.failed);
  }
  shared.set(Word.hasLeft, 1);
  shared.signal(Word.readerSignal);
});
