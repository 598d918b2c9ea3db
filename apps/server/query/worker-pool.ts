// Long-lived query workers, started at need.
import { Worker } from "node:worker_threads";
import { QueryError, type QueryErrorCode } from "@narthex/promql";
import type { Db } from "@narthex/tsdb";
import type { FetchedSelection } from "../remote/fetch/fetched.ts";
import type { EngineSettings } from "./engine-settings.ts";
import type { PlainElement, RequestStatistics, StorageRequest } from "./request.ts";
import { CONTROL_BYTES, ControlWord, type RunMessage, type WorkerReply, type WorkerSetup } from "./worker-protocol.ts";

/** Most of what a query makes is garbage soon: the larger this, the less of it is copied about. */
const YOUNG_GENERATION_MB = 32;
/** Four times what the deepest tree that the parser lets through takes; only what is used becomes memory. */
const STACK_MB = 8;

/**
 * What all workers together keep of blocks between requests: dashboards ask for the same again and again. It takes
 * memory only as queries fill it.
 */
const CACHE_BYTES = 256 * 1024 * 1024;
/** However many they are, each may keep this much. */
const LEAST_CACHE_BYTES = 16 * 1024 * 1024;

/** Where an answer goes. `write` may return a promise that resolves once the client has taken the bytes. */
export interface AnswerOutput {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | undefined;
  /** Takes the result of a `VectorRequest`. */
  elements?(elements: readonly PlainElement[]): void;
}

export interface Job {
  readonly request: StorageRequest;
  readonly settings: EngineSettings;
  readonly output: AnswerOutput;
  readonly signal: AbortSignal;
  /** Heavy jobs never take the last worker, so that one is left for the others. */
  readonly heavy: boolean;
  /** What was read from other servers; its bytes go over to the worker. */
  readonly fetched?: readonly FetchedSelection[] | undefined;
}

interface Pending extends Job {
  readonly enqueued: number;
  readonly resolve: (statistics: RequestStatistics) => void;
  readonly reject: (error: Error) => void;
}

interface Seat {
  readonly worker: Worker;
  readonly control: Int32Array;
  running: { job: Pending; id: number; release: () => void } | undefined;
}

/**
 * Runs requests on up to `size` workers. The queue in front is bounded by whoever admits requests (the query gate).
 * A worker that dies (out of memory) fails only the request it ran; the next request starts a new one.
 */
export class WorkerPool {
  readonly #db: Db;
  readonly #size: number;
  readonly #maxHeapMb: number;
  readonly #seats = new Set<Seat>();
  readonly #queue: Pending[] = [];
  #lastId = 0;
  #closed = false;

  constructor(db: Db, size: number, maxHeapMb: number) {
    this.#db = db;
    this.#size = size;
    this.#maxHeapMb = maxHeapMb;
  }

  run(job: Job): Promise<RequestStatistics> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new QueryError("canceled", "the server is shutting down"));
        return;
      }
      this.#queue.push({ ...job, enqueued: performance.now(), resolve, reject });
      this.#dispatch();
    });
  }

  /** Ends workers without work, and with them what they kept. The next request starts a new one. */
  endIdle(): void {
    for (const seat of this.#seats) {
      if (seat.running !== undefined) continue;
      this.#seats.delete(seat);
      void seat.worker.terminate();
    }
  }

  /** Ends jobs that are among `which` with `error`, and workers that ran one: their memory comes back at once. */
  endRunning(which: (job: Job) => boolean, error: Error): void {
    for (const job of this.#queue.filter(which)) {
      this.#queue.splice(this.#queue.indexOf(job), 1);
      job.reject(error);
    }
    for (const seat of this.#seats) {
      if (seat.running === undefined || !which(seat.running.job)) continue;
      this.#seats.delete(seat);
      this.#fail(seat, error);
      void seat.worker.terminate();
    }
    this.#dispatch();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const seats = [...this.#seats];
    this.#seats.clear();
    for (const seat of seats)
      this.#fail(seat, new QueryError("canceled", "query was canceled in expression evaluation"));
    for (const job of this.#queue.splice(0)) job.reject(new QueryError("canceled", "the server is shutting down"));
    await Promise.all(seats.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    for (let i = 0; i < this.#queue.length; ) {
      const job = this.#queue[i] as Pending;
      if (job.signal.aborted) {
        this.#queue.splice(i, 1);
        job.reject(new QueryError("canceled", "query was canceled in query queue"));
        continue;
      }
      const seat = this.#freeSeat(job.heavy);
      if (seat === undefined) {
        i++;
        continue;
      }
      this.#queue.splice(i, 1);
      this.#start(seat, job);
    }
  }

  #freeSeat(heavy: boolean): Seat | undefined {
    let heavyRunning = 0;
    for (const { running } of this.#seats) if (running?.job.heavy) heavyRunning++;
    if (heavy && this.#size > 1 && heavyRunning >= this.#size - 1) return undefined;
    for (const seat of this.#seats) if (seat.running === undefined) return seat;
    return this.#seats.size < this.#size ? this.#open() : undefined;
  }

  #open(): Seat {
    const control = new SharedArrayBuffer(CONTROL_BYTES);
    const cacheBytes = Math.max(LEAST_CACHE_BYTES, CACHE_BYTES / this.#size);
    const setup: WorkerSetup = { share: this.#db.share(), control, cacheBytes };
    const worker = new Worker(new URL("./query-worker.js", import.meta.url), {
      workerData: setup,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        maxOldGenerationSizeMb: this.#maxHeapMb,
        stackSizeMb: STACK_MB,
      },
    });
    worker.unref();
    const seat: Seat = { worker, control: new Int32Array(control), running: undefined };
    worker.on("message", (reply: WorkerReply) => this.#receive(seat, reply));
    worker.on("error", (error: Error & { code?: string }) => {
      this.#seats.delete(seat);
      const message =
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? `query needs more memory than a query may use (${this.#maxHeapMb} MiB); ask for fewer series or fewer steps`
          : `query worker failed: ${error.message}`;
      this.#fail(seat, new QueryError("execution", message));
      this.#dispatch();
    });
    worker.on("exit", () => this.#seats.delete(seat));
    this.#seats.add(seat);
    return seat;
  }

  #start(seat: Seat, job: Pending): void {
    this.#lastId = (this.#lastId + 1) & 0x7fffffff || 1;
    const id = this.#lastId;
    const ticket = this.#db.beginRead();
    const cancel = (): void => {
      Atomics.store(seat.control, ControlWord.cancelled, id);
      Atomics.notify(seat.control, ControlWord.unsentBytes);
    };
    job.signal.addEventListener("abort", cancel);
    const release = (): void => {
      job.signal.removeEventListener("abort", cancel);
      this.#db.endRead(ticket);
    };
    seat.running = { job, id, release };
    Atomics.store(seat.control, ControlWord.unsentBytes, 0);
    const { request, settings, fetched } = job;
    const queueSeconds = (performance.now() - job.enqueued) / 1000;
    const message: RunMessage = { id, request, ticket, queueSeconds, settings, fetched };
    seat.worker.ref();
    seat.worker.postMessage(message, fetched === undefined ? [] : buffersOf(fetched));
  }

  #receive(seat: Seat, reply: WorkerReply): void {
    const { running } = seat;
    if (running === undefined || running.id !== reply.id) return;
    if (reply.kind === "bytes") {
      const { byteLength } = reply.bytes;
      const taken = (): void => {
        if (seat.running !== running) return;
        Atomics.sub(seat.control, ControlWord.unsentBytes, byteLength);
        Atomics.notify(seat.control, ControlWord.unsentBytes);
      };
      const drained = running.job.output.write(reply.bytes);
      if (drained === undefined) taken();
      else drained.then(taken, taken);
      return;
    }
    if (reply.kind === "elements") {
      running.job.output.elements?.(reply.elements);
      return;
    }
    this.#vacate(seat);
    if (reply.kind === "done") {
      // The answer may still be on its way to the client; the worker is free already.
      if (reply.bytes !== undefined) running.job.output.write(reply.bytes);
      running.job.resolve(reply.statistics);
    } else running.job.reject(new QueryError(reply.code as QueryErrorCode, reply.message));
    this.#dispatch();
  }

  #vacate(seat: Seat): void {
    seat.running?.release();
    seat.running = undefined;
    seat.worker.unref();
  }

  #fail(seat: Seat, error: Error): void {
    const { running } = seat;
    if (running === undefined) return;
    this.#vacate(seat);
    running.job.reject(error);
  }
}

function buffersOf(fetched: readonly FetchedSelection[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { answers } of fetched) for (const { bytes } of answers) if (bytes.length > 0) buffers.add(bytes.buffer);
  return [...buffers];
}
