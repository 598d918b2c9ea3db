// Blocks from the head's arena, as memory/arena.ts gives them out.

// Its state, in bytes.
const NEXT: usize = 0;
const USED: usize = 4;
const FREE: usize = 8;
const GRANULE_WORDS: u32 = 4;

/** The first word that was never given out. */
export function firstFree(state: usize): u32 {
  return load<u32>(state, NEXT);
}

/** The size class that holds `words` words. */
function classOf(words: u32): u32 {
  const granules = words <= GRANULE_WORDS ? 1 : (words + GRANULE_WORDS - 1) >>> 2;
  if (granules <= 8) return granules - 1;
  const shift = 29 - clz(granules - 1);
  return 8 + (shift - 1) * 4 + ((granules - 1) >>> shift) - 4;
}

function classWords(sizeClass: u32): u32 {
  if (sizeClass < 8) return (sizeClass + 1) * GRANULE_WORDS;
  return ((((sizeClass - 8) & 3) + 5) << (((sizeClass - 8) >>> 2) + 1)) * GRANULE_WORDS;
}

/** Words that a block for `words` words really has. */
export function roundUp(words: u32): u32 {
  return classWords(classOf(words));
}

/** A block of at least `words` words; the caller knows that there is room. */
export function takeBlock(state: usize, arena: usize, words: u32): u32 {
  const sizeClass = classOf(words);
  const size = classWords(sizeClass);
  store<u32>(state, load<u32>(state, USED) + size, USED);
  const list = state + ((<usize>sizeClass) << 2);
  const free = load<u32>(list, FREE);
  if (free !== 0) {
    store<u32>(list, load<u32>(arena + ((<usize>free) << 2)), FREE);
    return free;
  }
  const fresh = load<u32>(state, NEXT);
  store<u32>(state, fresh + size, NEXT);
  return fresh;
}
