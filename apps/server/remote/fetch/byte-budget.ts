// How many bytes several readers may hold together.

/** Bytes that are taken before they are held, so that the sum never passes the limit. */
export class ByteBudget {
  readonly limitBytes: number;
  #taken = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** False, and nothing is taken, when fewer bytes are left. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limitBytes) return false;
    this.#taken += bytes;
    return true;
  }

  /** Gives back bytes that were taken. */
  give(bytes: number): void {
    this.#taken -= bytes;
  }
}
