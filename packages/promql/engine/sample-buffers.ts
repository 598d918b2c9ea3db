// Buffers that queries decode series into, handed from one query to the next: small queries would spend as much on having them made
// and collected as on filling them.
import { SampleBuffer } from "@narthex/storage";

const MOST_KEPT = 4;
/** Larger ones are left to the garbage collector, so that no big query's memory stays: 4 × 4096 × 16 bytes at most. */
const MOST_KEPT_SAMPLES = 4096;
const spare: SampleBuffer[] = [];

/** An empty buffer. Give it back when nothing refers to it any more; where that does not happen, a new one is made next time. */
export function takeSampleBuffer(): SampleBuffer {
  return spare.pop() ?? new SampleBuffer();
}

export function giveSampleBuffer(buffer: SampleBuffer): void {
  if (spare.length >= MOST_KEPT || buffer.times.length > MOST_KEPT_SAMPLES) return;
  buffer.clear();
  spare.push(buffer);
}
