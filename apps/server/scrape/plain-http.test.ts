import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PlainHttp, type PlainResponse } from "./plain-http.ts";

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** A server that answers each request on a connection with the next of these bytes, cut into pieces. */
async function answering(
  answers: readonly string[],
  pieceBytes: number,
  path?: string,
): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.setNoDelay(true);
    let n = 0;
    socket.on("data", async () => {
      const answer = answers[n++] as string;
      for (let i = 0; i < answer.length; i += pieceBytes) {
        socket.write(answer.slice(i, i + pieceBytes));
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (!/content-length|chunked/i.test(answer)) socket.end();
    });
  });
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve),
  );
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: path === undefined ? (server.address() as AddressInfo).port : 0, connections: () => connections };
}

function get(client: PlainHttp, port: number, unixSocket = ""): Promise<{ response: PlainResponse; body: string }> {
  return new Promise((resolve, reject) => {
    let body = "";
    client.send({
      url: new URL(`http://127.0.0.1:${port}/m?a=b`),
      headers: { "X-One": "1", "X-Two": ["2", "3"] },
      unixSocket,
      onHead: () => {},
      onData: (bytes) => (body += Buffer.from(bytes).toString("latin1")),
      onEnd: (response) => resolve({ response, body }),
      onError: reject,
    });
  });
}

const CHUNKED =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\na 1\n\r\nA\r\nb 22222 3\n\r\n0\r\nTrailer: x\r\n\r\n";
const COUNTED = "HTTP/1.1 200 All right\r\ncontent-type: text/plain\r\nContent-Length: 4\r\n\r\nc 1\n";

for (const pieceBytes of [1, 7, 1000]) {
  test(`plain HTTP: chunked, counted and empty bodies on one connection, in pieces of ${pieceBytes}`, async () => {
    const answers = [CHUNKED, COUNTED, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", CHUNKED];
    const { port, connections } = await answering(answers, pieceBytes);
    const client = new PlainHttp();
    closers.push(() => client.close());
    assert.equal((await get(client, port)).body, "a 1\nb 22222 3\n");
    const { response, body } = await get(client, port);
    assert.deepEqual(
      [response.statusCode, response.statusMessage, response.headers["content-type"], body],
      [200, "All right", "text/plain", "c 1\n"],
    );
    assert.equal((await get(client, port)).response.statusCode, 204);
    assert.equal((await get(client, port)).body, "a 1\nb 22222 3\n");
    assert.equal(connections(), 1);
  });
}

test("plain HTTP: a body without a length ends with its connection, an interim response is passed over", async () => {
  const { port } = await answering(["HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 200 OK\r\n\r\na 1\n"], 5);
  const client = new PlainHttp();
  closers.push(() => client.close());
  assert.equal((await get(client, port)).body, "a 1\n");
});

test("plain HTTP: a Unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-plain-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "s");
  await answering([COUNTED], 1000, path);
  const client = new PlainHttp();
  closers.push(() => client.close());
  assert.equal((await get(client, 80, path)).body, "c 1\n");
});

const BROKEN: readonly (readonly [string, string, RegExp])[] = [
  ["no HTTP", "SSH-2.0-OpenSSH\r\n", /malformed HTTP response "SSH-2\.0-OpenSSH"$/],
  ["a bad status line", "HTTP/1.1 abc\r\n\r\n", /malformed HTTP response "HTTP\/1\.1 abc"$/],
  ["a bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", /^bad Content-Length "-1"$/],
  [
    "a bad chunk size",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    /^invalid byte in chunk length$/,
  ],
  ["an endless head", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(60_000)}`, /malformed HTTP response/],
];

for (const [what, answer, message] of BROKEN) {
  test(`plain HTTP: ${what} is refused`, async () => {
    const { port } = await answering([answer], 100_000);
    const client = new PlainHttp();
    closers.push(() => client.close());
    await assert.rejects(get(client, port), { message });
  });
}
