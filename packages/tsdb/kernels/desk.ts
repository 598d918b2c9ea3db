// What stands where in the scratch region of the head's memory: two desks, each with the buffers of one thread's kernels, and behind
// them the stretches of what a second thread reads ahead for a replay.
import { SCRATCH_BYTES } from "../memory/layout.ts";
import { READ_BYTES } from "../wal/format.ts";

/** Samples that `decodeSamples` and `appendSamples` handle in one call. */
export const KERNEL_SAMPLES = 65_536;
/** Chunks that may be cut before somebody takes the list. */
export const KERNEL_CUTS = 4096;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Labels of a series that kernels look for (`MAX_LABELS` of assembly/series.ts is the same), and bytes of their text, at most. */
export const KERNEL_LABELS = 64;
export const KERNEL_LABEL_BYTES: number = 15 * KIB + 512;

export interface DeskRegion {
  readonly offset: number;
  readonly bytes: number;
}

let end = 0;
function part(bytes: number): DeskRegion {
  const region = { offset: end, bytes };
  end += bytes;
  return region;
}

type Part =
  | "tables"
  | "snappyTable"
  | "context"
  | "ids"
  | "labels"
  | "cuts"
  | "records"
  | "times"
  | "values"
  | "readBuffer"
  | "input"
  | "output";

/** The parts of a desk, in bytes from its start. */
export const DeskPart: Readonly<Record<Part, DeskRegion>> = {
  /** Tables of the checksum. */
  tables: part(16 * KIB),
  snappyTable: part(32 * KIB),
  context: part(4 * KIB),
  /** Ids of the labels of a series that is made. */
  ids: part(4 * KIB),
  /** Labels that a series is looked for by: ends of names and values, 32 bits each, and their text. */
  labels: part(KERNEL_LABELS * 8 + KERNEL_LABEL_BYTES),
  cuts: part(KERNEL_CUTS * 8),
  records: part(KERNEL_SAMPLES * 4),
  times: part(KERNEL_SAMPLES * 8),
  values: part(KERNEL_SAMPLES * 8),
  readBuffer: part(READ_BYTES),
  input: part(2 * MIB),
  output: part(2 * MIB + 512 * KIB),
};

/** A desk's size. */
export const DESK_BYTES: number = end;

/** Behind two desks, for records read ahead; in bytes from the start of the scratch region. */
export const AHEAD_REGION: DeskRegion = { offset: 2 * DESK_BYTES, bytes: SCRATCH_BYTES - 2 * DESK_BYTES };
