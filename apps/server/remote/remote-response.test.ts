import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { RemoteResponse } from "./remote-response.ts";

/** A response whose body has these pieces; it breaks off at an error. */
function responseOf(statusCode: number, pieces: Iterable<Buffer | Error>, statusMessage = ""): RemoteResponse {
  const body = Readable.from(
    (function* () {
      for (const piece of pieces) {
        if (piece instanceof Error) throw piece;
        yield piece;
      }
    })(),
  );
  return new RemoteResponse(Object.assign(body, { statusCode, statusMessage }) as unknown as IncomingMessage, () => {});
}

test("remote response: the status is told with the server's text or the usual one, and says whether it is good", () => {
  assert.equal(responseOf(404, []).statusText, "404 Not Found");
  assert.equal(responseOf(404, [], "Gone fishing").statusText, "404 Gone fishing");
  assert.equal(responseOf(599, []).statusText, "599");
  assert.deepEqual(
    [199, 200, 299, 300].map((status) => responseOf(status, []).isGood),
    [false, true, true, false],
  );
});

test("remote response: the beginning of a body is read, of what is behind it so much as keeps the connection", async () => {
  const broken = [Buffer.from("half"), new Error("aborted")];
  assert.equal(await responseOf(500, broken).readStart(100), "half");
  assert.equal(await responseOf(500, [Buffer.from("one "), Buffer.from("two three")]).readStart(7), "one two");
  let given = 0;
  const endless = (function* () {
    for (;;) {
      given++;
      yield Buffer.alloc(64 * 1024);
    }
  })();
  assert.equal((await responseOf(500, endless).readStart(3)).length, 3);
  assert.ok(given < 40, `${given} pieces`);
});
