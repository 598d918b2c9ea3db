// Comparing passwords in a thread of its own: one comparison takes a tenth of a second, and nobody's guessing may delay
// a scrape, a push or an alert.
import { Worker } from "node:worker_threads";

/** Comparisons that may wait; beyond it requests are told to come again. */
const MAX_WAITING = 32;
const IDLE_MS = 30_000;

/** What runs in the thread. Its library is named by URL, since the bundle's files stand elsewhere. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const loading = import(workerData);
parentPort.on("message", async ({ id, password, hash }) => {
  const { default: bcrypt } = await loading;
  parentPort.postMessage({ id, equal: bcrypt.compareSync(password, hash) });
});`;

/** Too many comparisons wait, or the thread died. */
export class PasswordCheckError extends Error {
  override readonly name = "PasswordCheckError";
}

export class PasswordChecker {
  readonly #waiting = new Map<number, { resolve(equal: boolean): void; reject(error: Error): void }>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** Whether `password` gives `hash`. Rejects with a `PasswordCheckError`. */
  compare(password: string, hash: string): Promise<boolean> {
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(new PasswordCheckError("too many passwords are being checked already"));
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, password, hash });
    });
  }

  /** Ends the thread; comparisons under way reject. */
  close(): void {
    clearTimeout(this.#idle);
    void this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(PROGRAM, { eval: true, workerData: import.meta.resolve("bcryptjs") });
    worker.unref();
    worker.on("message", ({ id, equal }: { id: number; equal: boolean }) => {
      this.#waiting.get(id)?.resolve(equal);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => void worker.terminate(), IDLE_MS).unref();
    });
    worker.on("error", (error) => this.#fail(`the thread that checks passwords failed: ${error.message}`));
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#fail("the thread that checks passwords ended");
    });
    return worker;
  }

  #fail(message: string): void {
    for (const { reject } of this.#waiting.values()) reject(new PasswordCheckError(message));
    this.#waiting.clear();
  }
}
