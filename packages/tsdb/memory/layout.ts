// The head's memory: one shared `WebAssembly.Memory`, reserved large once and carved into fixed regions.
// Pages nobody wrote cost no physical memory, so regions are generous; nothing is ever moved or grown, so views stay valid
// and workers see the same bytes. Addresses inside a region are small integers, which keeps them cheap in JavaScript.

import { ARENA_STATE_WORDS } from "./arena.ts";
import { POOL_STATE_WORDS } from "./pool.ts";

/** Bytes per WebAssembly page. */
const WASM_PAGE_BYTES = 65_536;
const GIBIBYTE = 2 ** 30;

/** 32-bit words in a series record: 64 bytes, one cache line. */
export const RECORD_WORDS = 16;
/** 32-bit words in a cold series record. */
export const COLD_WORDS = 8;
/** 32-bit words in a chunk slot: one cache line, 15 of data and a link. A series that hardly changes needs no second one. */
export const SLOT_WORDS = 16;
export const SLOT_DATA_WORDS = 15;
/** Where a slot keeps the index of the next one (0: none). */
export const SLOT_LINK = 15;
/** 32-bit words in an entry of a finished chunk. */
export const FINISHED_WORDS = 8;
/** 32-bit words in an undo entry of snapshots. */
export const UNDO_WORDS = 4;
/** 32-bit words in a record of a label pair, and of a label name. */
export const PAIR_WORDS = 8;
export const NAME_WORDS = 8;
/** Series refs per page of the table from ref to record. */
export const REF_PAGE = 128;

/** 32-bit words at the start of the memory that all threads look at. */
export const Control = {
  /** Sequence counter of the single writer: odd while it changes something that readers copy. */
  sequence: 0,
  /** Grows when ids of label pairs may have been given to other text: caches of strings start anew. */
  pairGeneration: 1,
  nameTable: 2,
  nameTableBits: 3,
  pairTable: 4,
  pairTableBits: 5,
  /** Postings of all series: first block, count. */
  allFirst: 6,
  allCount: 7,
  /** Number of series now. */
  seriesCount: 8,
  /** Highest series ref given so far. */
  lastRef: 9,
  /** Number of names that were ever taken (ids run from 1 to this). */
  nameHigh: 10,
  /** States of the pools of chunk slots, finished chunks, series, label pairs and names (memory/pool.ts), where kernels find them. */
  slotPool: 12,
  cellPool: 16,
  seriesPool: 20,
  pairPool: 24,
  namePool: 28,
  /** State of the series table (`TableWord`). */
  seriesTable: 32,
  /** First of `MAX_SNAPSHOTS` words: the state of each snapshot. */
  snapshots: 64,
  /** State of the arena (memory/arena.ts). */
  arena: 2048,
} as const;

/** Words of the series table's state: its address in the arena, its size as a power of two, the series in it, the next ref to give. */
export const TableWord = { address: 0, bits: 1, count: 2, nextRef: 3 } as const;
const TABLE_STATE_WORDS = 4;

/** How many snapshots (running queries) may be held at the same time. */
export const MAX_SNAPSHOTS = 1024;

/** Shares of the total, in 32nds; the label arena takes what is left. */
const SHARES = { series: 2, cold: 1, refs: 1, slots: 13, finished: 4, undo: 2, pairs: 1 } as const;
const CONTROL_BYTES = 65_536;
/** What kernels read and write besides the head itself: buffers of the single writer. Small memories do without kernels. */
export const SCRATCH_BYTES: number = 32 * 2 ** 20;
const MIN_BYTES_WITH_SCRATCH = 2 ** 29;
/** One 1024th of the total holds the names. */
const NAMES_SHIFT = 10;

/** Where each region starts and how long it is, in bytes. Structured-clonable; part of what workers are given. */
export interface Layout {
  readonly totalBytes: number;
  /** Empty in small memories. */
  readonly scratch: Region;
  readonly series: Region;
  readonly cold: Region;
  readonly refs: Region;
  readonly slots: Region;
  readonly finished: Region;
  readonly undo: Region;
  readonly pairs: Region;
  readonly names: Region;
  readonly arena: Region;
}

export interface Region {
  readonly offset: number;
  readonly bytes: number;
}

/** Carves `totalBytes` (a power of two, at least 64 MiB) into regions. */
export function carve(totalBytes: number): Layout {
  let offset = CONTROL_BYTES;
  const take = (bytes: number): Region => {
    const region = { offset, bytes };
    offset += bytes;
    return region;
  };
  const unit = totalBytes / 32;
  const scratch = take(totalBytes >= MIN_BYTES_WITH_SCRATCH ? SCRATCH_BYTES : 0);
  const names = take(totalBytes / 2 ** NAMES_SHIFT);
  const series = take(SHARES.series * unit);
  const cold = take(SHARES.cold * unit);
  const refs = take(SHARES.refs * unit);
  const slots = take(SHARES.slots * unit);
  const finished = take(SHARES.finished * unit);
  const undo = take(SHARES.undo * unit);
  const pairs = take(SHARES.pairs * unit);
  const arena = { offset, bytes: totalBytes - offset };
  return { totalBytes, scratch, names, series, cold, refs, slots, finished, undo, pairs, arena };
}

/** What the head could not get: the machine refused to reserve even the smallest memory. */
export class HeadMemoryError extends Error {
  override readonly name = "HeadMemoryError";
}

/** A shared `WebAssembly.Memory`, as far as it is used here: it can be posted to workers, and kernels can be given it. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WebAssemblyFunctions {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
}

// Node's type declarations do not know WebAssembly; the engine does.
const { Memory } = (globalThis as unknown as { WebAssembly: WebAssemblyFunctions }).WebAssembly;

/**
 * Reserves shared memory: `bytes` (a power of two, 4 GiB unless told), or less by halves when the system refuses, down to 64 MiB.
 * Throws a `HeadMemoryError` when that is refused too.
 */
export function reserveMemory(bytes: number = 4 * GIBIBYTE): SharedMemory {
  for (let wanted = bytes; wanted >= 2 ** 26; wanted /= 2) {
    const pages = wanted / WASM_PAGE_BYTES;
    try {
      return new Memory({ initial: pages, maximum: pages, shared: true });
    } catch {
      // Refused (a limit on address space): ask for half.
    }
  }
  throw new HeadMemoryError("cannot reserve 64 MiB of shared memory");
}

/** The regions as typed arrays. Every thread makes its own views of the same memory. */
export class HeadMemory {
  readonly memory: SharedMemory;
  readonly layout: Layout;
  readonly control: Int32Array;
  /** States of pools, series table and arena: the single writer's, and its kernels'. */
  readonly slotPool: Uint32Array;
  readonly cellPool: Uint32Array;
  readonly seriesPool: Uint32Array;
  readonly pairPool: Uint32Array;
  readonly namePool: Uint32Array;
  readonly seriesTable: Uint32Array;
  readonly arenaState: Uint32Array;
  readonly series: Uint32Array;
  readonly seriesFloats: Float64Array;
  readonly cold: Uint32Array;
  readonly coldFloats: Float64Array;
  readonly refs: Uint32Array;
  readonly slots: Uint32Array;
  readonly finished: Uint32Array;
  readonly finishedFloats: Float64Array;
  readonly undo: Uint32Array;
  readonly undoFloats: Float64Array;
  readonly pairs: Uint32Array;
  readonly names: Uint32Array;
  readonly arena: Uint32Array;
  readonly arenaFloats: Float64Array;
  /** The arena's bytes, for text. */
  readonly text: Buffer;

  constructor(memory: SharedMemory, layout: Layout = carve(memory.buffer.byteLength)) {
    this.memory = memory;
    this.layout = layout;
    const { buffer } = memory;
    const words = (region: Region): Uint32Array => new Uint32Array(buffer, region.offset, region.bytes / 4);
    const floats = (region: Region): Float64Array => new Float64Array(buffer, region.offset, region.bytes / 8);
    this.control = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
    const state = (at: number, length: number): Uint32Array => new Uint32Array(buffer, at * 4, length);
    this.slotPool = state(Control.slotPool, POOL_STATE_WORDS);
    this.cellPool = state(Control.cellPool, POOL_STATE_WORDS);
    this.seriesPool = state(Control.seriesPool, POOL_STATE_WORDS);
    this.pairPool = state(Control.pairPool, POOL_STATE_WORDS);
    this.namePool = state(Control.namePool, POOL_STATE_WORDS);
    this.seriesTable = state(Control.seriesTable, TABLE_STATE_WORDS);
    this.arenaState = state(Control.arena, ARENA_STATE_WORDS);
    this.series = words(layout.series);
    this.seriesFloats = floats(layout.series);
    this.cold = words(layout.cold);
    this.coldFloats = floats(layout.cold);
    this.refs = words(layout.refs);
    this.slots = words(layout.slots);
    this.finished = words(layout.finished);
    this.finishedFloats = floats(layout.finished);
    this.undo = words(layout.undo);
    this.undoFloats = floats(layout.undo);
    this.pairs = words(layout.pairs);
    this.names = words(layout.names);
    this.arena = words(layout.arena);
    this.arenaFloats = floats(layout.arena);
    this.text = Buffer.from(buffer as unknown as ArrayBuffer, layout.arena.offset, layout.arena.bytes);
  }
}
