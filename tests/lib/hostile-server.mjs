// Targets of all manners in one process, told apart by the loopback address they are reached at: 127.KIND.x.y.
// Prints its port when it listens. KIND: 1 good, 2 hangs, 3 resets, 4 sends without end, 5 sends a gzip bomb.
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

const SERIES = 50;
const flood = Buffer.from(`flood{x="${"y".repeat(1000)}"} 1\n`.repeat(60));
const bomb = gzipSync(Buffer.alloc(1024 * 1024 * 1024 - 1, "a 1\n"), { level: 9 });
let scrapes = 0;

function good(response) {
  scrapes++;
  response.setHeader("Content-Type", "text/plain; version=0.0.4");
  response.end(Array.from({ length: SERIES }, (_, i) => `good_total{i="${i}"} ${scrapes + i}\n`).join(""));
}

function sendWithoutEnd(response) {
  response.setHeader("Content-Type", "text/plain; version=0.0.4");
  const send = () => {
    while (!response.destroyed && response.write(flood));
  };
  response.on("drain", send);
  send();
}

const server = createServer((request, response) => {
  switch (request.socket.localAddress?.split(".")[1]) {
    case "1":
      good(response);
      return;
    case "2":
      return;
    case "3":
      request.socket.resetAndDestroy();
      return;
    case "4":
      sendWithoutEnd(response);
      return;
    default:
      response.setHeader("Content-Type", "text/plain; version=0.0.4");
      response.setHeader("Content-Encoding", "gzip");
      response.end(bomb);
  }
});
server.on("clientError", (_error, socket) => socket.destroy());
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: "0.0.0.0", backlog: 4096 }, () => console.log(server.address().port));
