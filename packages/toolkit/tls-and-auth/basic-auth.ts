// Names and passwords of HTTP basic authentication, held against bcrypt hashes.
import { createHmac, randomBytes } from "node:crypto";

/** Compares a password with a bcrypt hash. It costs a tenth of a second of CPU: run it off the main thread. */
export type ComparePassword = (password: string, hash: string) => Promise<boolean>;

/** Hash of no password anybody knows: an unknown user costs as much as a known one. Cost 10, as is usual. */
const NOBODY = "$2b$10$abcdefghijklmnopqrstuuPBVZXlGdPQcRlcvTfjVYHiCJpCxVnru";
/** Results that are remembered; right and wrong ones apart, so that guesses do not push the right ones out. */
const MAX_REMEMBERED = 256;

export type AuthVerdict = { readonly user: string } | undefined;

/**
 * Decides about `Authorization` headers. Results are remembered under a keyed hash of user, hash and password, so that
 * a request costs bcrypt only the first time, and no password stays in memory.
 */
export class BasicAuth {
  readonly #compare: ComparePassword;
  /** Made with the first password: most servers are never sent one, and need not load Node's cryptography for it. */
  #key: Buffer | undefined;
  readonly #right = new Set<string>();
  readonly #wrong = new Set<string>();
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(compare: ComparePassword) {
    this.#compare = compare;
  }

  /** The user, or undefined when the header is not theirs. Rejects when the comparison cannot be made now. */
  async check(authorization: string | undefined, users: ReadonlyMap<string, string>): Promise<AuthVerdict> {
    const given = parseBasic(authorization);
    if (given === undefined) return undefined;
    const hash = users.get(given.user);
    const isRight = await this.#isRight(given.user, given.password, hash ?? NOBODY);
    return isRight && hash !== undefined ? { user: given.user } : undefined;
  }

  #isRight(user: string, password: string, hash: string): boolean | Promise<boolean> {
    this.#key ??= randomBytes(32);
    const key = createHmac("sha256", this.#key)
      .update(`${user.length}:${user}${hash.length}:${hash}${password}`)
      .digest("base64");
    if (this.#right.has(key)) return true;
    if (this.#wrong.has(key)) return false;
    let running = this.#running.get(key);
    if (running === undefined) {
      running = this.#compare(password, hash)
        .then((isRight) => {
          remember(isRight ? this.#right : this.#wrong, key);
          return isRight;
        })
        .finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return running;
  }
}

function remember(keys: Set<string>, key: string): void {
  if (keys.size >= MAX_REMEMBERED) keys.delete(keys.values().next().value as string);
  keys.add(key);
}

function parseBasic(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  return colon < 0 ? undefined : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
