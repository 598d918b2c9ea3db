// For tests of reading from other servers: answers as this server gives them, and a server that answers as it is told.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { uncompress } from "@narthex/encoding";
import type { Queryable } from "@narthex/storage";
import { ByteSink } from "../../api/json/byte-sink.ts";
import { answerRemoteRead } from "../read/read-answer.ts";
import { type RemoteReadQuery, readReadRequest } from "../read/read-request.ts";

const EVERYTHING: RemoteReadQuery = {
  minTime: 0,
  maxTime: 2 ** 50,
  matchers: [{ type: "=~", name: "__name__", value: ".+" }],
  labelsOnly: false,
};

/** What a server with this storage answers. */
export function answerOf(
  queryable: Queryable,
  form: "samples" | "chunks",
  queries: readonly RemoteReadQuery[] = [EVERYTHING],
  externalLabels: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => pieces.push(bytes));
  answerRemoteRead(
    { kind: "remoteRead", form, queries, externalLabels, sampleLimit: 0, maxFrameBytes: 1 << 20 },
    { queryable, cancelled: () => false },
    sink,
  );
  return Uint8Array.from(Buffer.concat(pieces));
}

/** Answers one request; by default from `storage`. */
export type Respond = (request: RemoteReadQuery, response: http.ServerResponse) => void;

/** A server that can be read from. */
export class FakeSource {
  readonly asked: RemoteReadQuery[] = [];
  readonly headers: http.IncomingHttpHeaders[] = [];
  respond: Respond;
  readonly #server: http.Server;

  private constructor(storage: Queryable, form: "samples" | "chunks", externalLabels: readonly string[]) {
    this.respond = (query, response) => {
      const type =
        form === "chunks"
          ? "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
          : "application/x-protobuf";
      response.setHeader("Content-Type", type);
      response.end(answerOf(storage, form, [query], externalLabels));
    };
    this.#server = http.createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        const { queries } = readReadRequest(uncompress(Buffer.concat(pieces), 1 << 20));
        this.headers.push(request.headers);
        for (const query of queries) {
          this.asked.push(query);
          this.respond(query, response);
        }
      });
    });
  }

  static async start(
    test: { after(work: () => void): void },
    storage: Queryable,
    form: "samples" | "chunks" = "chunks",
    externalLabels: readonly string[] = [],
  ): Promise<FakeSource> {
    const source = new FakeSource(storage, form, externalLabels);
    await new Promise<void>((resolve) => source.#server.listen(0, "127.0.0.1", resolve));
    test.after(() => {
      source.#server.closeAllConnections();
      source.#server.close();
    });
    return source;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/read`;
  }
}
