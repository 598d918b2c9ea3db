// Serving metrics where requests and responses are those of `fetch`: Deno, Bun, workers at the edge, and frameworks made for them.
import { ExpositionHandler, type HandlerOptions } from "./exposition-handler.ts";

/**
 * A function from request to response: `Deno.serve(fetchHandler())`. Serves whatever the path is; `?name[]=` restricts it to some
 * metrics.
 */
export function fetchHandler(options: HandlerOptions = {}): (request: Request) => Promise<Response> {
  const handler = new ExpositionHandler(options, typeof CompressionStream === "undefined" ? [] : ["gzip"]);
  return async (request) => {
    const { headers, body, status, encoding, done } = await handler.answer({
      method: request.method,
      accept: request.headers.get("accept") ?? undefined,
      acceptEncoding: request.headers.get("accept-encoding") ?? undefined,
      names: new URL(request.url).searchParams.getAll("name[]"),
    });
    if (body === undefined) {
      done();
      return new Response(null, { status, headers });
    }
    const plain = streamOf(body, done);
    // The types of Node's streams and of fetch's differ in what they say of memory that is shared.
    const stream =
      encoding === undefined ? plain : plain.pipeThrough(new CompressionStream("gzip") as unknown as GzipTransform);
    return new Response(stream as unknown as ConstructorParameters<typeof Response>[0], { status, headers });
  };
}

type GzipTransform = Parameters<ReadableStream<Uint8Array>["pipeThrough"]>[0] & {
  readonly readable: ReadableStream<Uint8Array>;
};

/** Chunks as they are asked for. */
function streamOf(chunks: AsyncIterable<Uint8Array>, done: (failed?: boolean) => void): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: atEnd, value } = await iterator.next();
        if (atEnd === true) {
          done();
          controller.close();
        } else controller.enqueue(value);
      } catch (error) {
        done(true);
        controller.error(error);
      }
    },
    async cancel() {
      done(true);
      await iterator.return?.();
    },
  });
}
