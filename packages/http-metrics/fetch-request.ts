// Measuring one request of fetch's kind, from its coming to the end of its answer's body.
import { declaredBytes, type HttpMetrics } from "./http-metrics.ts";
import { STATUS_ABORTED } from "./request-labels.ts";

/** How much of a body is read before it is handed on, in bytes. */
const READ_AHEAD_BYTES = 65_536;

/** A request under way. */
export interface MeasuredRequest {
  /** Its handler failed. Counts the error; the request goes on until it is answered. */
  failed(error: unknown): void;
  /**
   * The answer to give in place of this one: the same, but that the request ends with its body. One that is given up before its end counts
   * as 499, one whose body fails as 500. A body that is there at once and short has ended when this resolves, and stays one whose length
   * servers know; of others, it takes a turn of the event loop to tell that they are none.
   */
  answered(response: Response): Promise<Response>;
  /** There is no answer; counts as 500. */
  unanswered(): void;
}

/**
 * Measures a request from now on. A client that goes counts as 499, where the server tells of it by the request's signal or by giving up
 * the answer's body. `routeOf` is asked at the end, and must not throw.
 */
export function measureRequest(
  metrics: HttpMetrics,
  request: Request,
  routeOf: (response: Response | undefined) => string,
): MeasuredRequest {
  const open = metrics.begin();
  const { method, headers } = request;
  // Not every runtime has one.
  const signal = request.signal as AbortSignal | undefined;
  const requestBytes = declaredBytes(headers.get("content-length"));
  const traceparent = headers.get("traceparent") ?? undefined;
  let answer: Response | undefined;
  let isOver = false;
  const end = (status: number): void => {
    if (isOver) return;
    isOver = true;
    signal?.removeEventListener("abort", gone);
    const responseBytes = declaredBytes(answer?.headers.get("content-length"));
    open.end({ method, route: routeOf(answer), status, requestBytes, responseBytes, traceparent });
  };
  const gone = (): void => end(STATUS_ABORTED);
  const failed = (error: unknown): void => {
    // What fails since its client went is no failure of the handler's.
    if (!isOver) metrics.fail(method, routeOf(answer), error);
  };
  signal?.addEventListener("abort", gone, { once: true });
  if (signal?.aborted === true) gone();
  return {
    failed,
    unanswered: () => end(500),
    answered: async (response) => {
      answer = response;
      const { body, status, statusText, headers } = response;
      // The body of an answer to HEAD is not read by anybody.
      if (isOver || body === null || body.locked || method === "HEAD") {
        end(status);
        return response;
      }
      const watched = await watchedBody(body, {
        ended: () => end(status),
        cancelled: gone,
        failed: (error) => {
          failed(error);
          end(500);
        },
      });
      return new Response(watched as ConstructorParameters<typeof Response>[0], { status, statusText, headers });
    },
  };
}

type Body = NonNullable<Response["body"]>;

/** Told of how a body ended. One of them is called, once. */
interface BodyEnd {
  ended(): void;
  cancelled(): void;
  failed(error: unknown): void;
}

/** The same bytes: as they are if they are there at once and few, else as a stream. */
async function watchedBody(body: Body, told: BodyEnd): Promise<Body | Uint8Array> {
  const reader = (body as unknown as ReadableStream<Uint8Array>).getReader();
  const early: Uint8Array[] = [];
  const late = nextTurn();
  let next = readFrom(reader);
  for (let size = 0; size <= READ_AHEAD_BYTES; ) {
    const step = await Promise.race([next, late]).catch(() => undefined);
    if (step === undefined) break;
    if (step.done) {
      told.ended();
      const [only, ...others] = early;
      return only !== undefined && others.length === 0 ? only : joined(early, size);
    }
    early.push(step.value);
    size += step.value.byteLength;
    next = readFrom(reader);
  }
  let isFirst = true;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const ready = early.shift();
        if (ready !== undefined) {
          controller.enqueue(ready);
          return;
        }
        try {
          const { done, value } = await (isFirst ? next : readFrom(reader));
          isFirst = false;
          if (!done) controller.enqueue(value);
          else {
            told.ended();
            controller.close();
          }
        } catch (error) {
          told.failed(error);
          controller.error(error);
        }
      },
      async cancel(reason) {
        told.cancelled();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  // The types of Node's streams and of fetch's differ in what they say of memory that is shared.
  return stream as unknown as Body;
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.byteLength;
  }
  return out;
}

type Step = { readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value?: undefined };

/** The next piece. Nobody need wait for it: what fails is heard by whoever asks later. */
function readFrom(reader: { read(): Promise<unknown> }): Promise<Step> {
  const next = reader.read() as Promise<Step>;
  next.catch(() => undefined);
  return next;
}

// Taken when the library is loaded, since tests of applications replace timers by ones that stand still.
const { setTimeout: timeout } = globalThis;

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => timeout(() => resolve(undefined), 0));
}
