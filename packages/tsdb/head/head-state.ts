// What the parts of a head share besides its memory: times and counters.

/** Times in milliseconds. */
export class HeadTimes {
  /** Of the oldest and newest sample; Infinity and -Infinity while there is none. */
  min: number = Infinity;
  max: number = -Infinity;
  /** Samples before this belong to blocks. */
  minValid: number = -Infinity;

  /** Takes in the time of a sample. */
  add(t: number): void {
    if (t < this.min) this.min = t;
    if (t > this.max) this.max = t;
  }
}

/** What the head counted since it was made. */
export class HeadCounters {
  samplesAppended = 0;
  histogramsAppended = 0;
  /** Refusals: floats, then histograms. */
  outOfOrder = 0;
  outOfBounds = 0;
  tooOld = 0;
  outOfOrderHistograms = 0;
  outOfBoundsHistograms = 0;
  tooOldHistograms = 0;
  duplicates = 0;
  seriesCreated = 0;
  seriesRemoved = 0;
  seriesNotFound = 0;
  chunksCreated = 0;
  chunksRemoved = 0;
  appendersCreated = 0;
}
