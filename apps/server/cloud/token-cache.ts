// Tokens that are good for a while, asked for once at a time.

/** A token as it came. */
export interface FreshToken {
  readonly token: string;
  /** How long it is good for. */
  readonly lifetimeMs: number;
}

/** A token is exchanged so long before its end. */
const EXPIRY_MARGIN_MS = 2 * 60 * 1000;

/** Keeps a token until shortly before its end. Whoever asks meanwhile gets the same answer, or the same failure. */
export class TokenCache {
  readonly #fetch: (signal: AbortSignal) => Promise<FreshToken>;
  readonly #now: () => number;
  #token = "";
  #until = Number.NEGATIVE_INFINITY;
  #pending: Promise<string> | undefined;

  /** `now` are milliseconds from some moment on. */
  constructor(now: () => number, fetch: (signal: AbortSignal) => Promise<FreshToken>) {
    this.#now = now;
    this.#fetch = fetch;
  }

  get(signal: AbortSignal): Promise<string> {
    if (this.#now() < this.#until) return Promise.resolve(this.#token);
    this.#pending ??= this.#renew(signal).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #renew(signal: AbortSignal): Promise<string> {
    const asked = this.#now();
    const { token, lifetimeMs } = await this.#fetch(signal);
    this.#token = token;
    this.#until = asked + lifetimeMs - Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 2);
    return token;
  }
}
