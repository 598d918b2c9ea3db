// What kernels are told once and tell back: words at a place that kernels/kernels.ts writes and reads. Offsets in bytes; addresses
// are bytes from the start of the memory.

// The head's regions and pools.
export const SERIES: usize = 0;
export const COLD: usize = 4;
export const SLOTS: usize = 8;
export const SLOT_POOL: usize = 12;
export const FINISHED: usize = 16;
export const CELL_POOL: usize = 20;
export const PAGES: usize = 24;
export const PAGE_COUNT: usize = 28;
export const ARENA: usize = 32;
// Samples side by side: record numbers (u32), times (f64), value bits (u64).
export const RECORDS: usize = 36;
export const TIMES: usize = 40;
export const VALUES: usize = 44;
// Chunks that were cut: pairs of cell and record, how many pairs there is room for, how many there are.
export const CUTS: usize = 48;
export const CUT_ROOM: usize = 52;
export const CUT_COUNT: usize = 56;
// Results.
export const APPLIED: usize = 60;
export const CREATED: usize = 64;
export const DECODED_TO: usize = 68;
// What `decodeFirstRow` found: whether the refs grow, the lowest and the highest of them.
export const SOUNDNESS: usize = 72;
export const LOWEST_REF: usize = 76;
export const HIGHEST_REF: usize = 96;
/** Where `appendRows` stopped. */
export const STOPPED_ROW: usize = 100;
// The head's oldest and newest time (f64), before and after.
export const MIN_TIME: usize = 80;
export const MAX_TIME: usize = 88;
// What series are made of: names, pairs, the pools of pairs and series, the series table, the arena's state, and the control words.
export const NAMES: usize = 104;
export const PAIRS: usize = 108;
export const PAIR_POOL: usize = 112;
export const SERIES_POOL: usize = 116;
export const SERIES_TABLE: usize = 120;
export const ARENA_STATE: usize = 124;
/** Words that the arena has. */
export const ARENA_LIMIT: usize = 128;
export const CONTROL: usize = 132;
/** Where the ids of a series' labels are gathered. */
export const IDS: usize = 136;
/** How many of them hold what labels before had; and where labels are that somebody looks for: ends and text (live-series.ts). */
export const KNOWN_IDS: usize = 140;
export const LABELS: usize = 144;
/** The hash of labels that no series has. */
export const HASH: usize = 148;
