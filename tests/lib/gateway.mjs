// Starts Pushgateways, ours and the reference's, and sends them what tests want sent.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./program.mjs";

/** The built program. */
export const COMMAND = join(resolve(import.meta.dirname, "../.."), "node_modules/.bin/narthex");

/** Where `../shared/peers/install` puts the reference's program. */
export const REFERENCE = join(
  process.env.PEERS_DIR ?? join(homedir(), ".cache/monitoring-peers"),
  "root/usr/bin/prometheus-pushgateway",
);

/** For `test`'s options: why a test that needs the reference cannot run, or false. */
export const withoutReference = existsSync(REFERENCE) ? false : "the reference's Pushgateway is not installed";

/** A gateway that was started; `test` kills it at the end if it still runs. */
export class Gateway {
  /** Ours. */
  static start(test, flags = []) {
    return Gateway.#start(test, COMMAND, ["pushgateway", ...flags]);
  }

  /** The reference's. Debian's build persists unless told otherwise. */
  static startReference(test, flags = []) {
    return Gateway.#start(test, REFERENCE, ["--persistence.file=", ...flags]);
  }

  static async #start(test, command, args) {
    const gateway = new Gateway(await freePort());
    test.after(() => gateway.kill());
    gateway.child = spawn(command, [...args, `--web.listen-address=127.0.0.1:${gateway.port}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    gateway.child.stderr.on("data", (text) => (gateway.log += text));
    gateway.exited = new Promise((done) => gateway.child.once("exit", (code, signal) => done({ code, signal })));
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(20)) {
      if (/Listening on/.test(gateway.log)) return gateway;
      if (gateway.child.exitCode !== null) break;
    }
    throw new Error(`${command} does not listen:\n${gateway.log}`);
  }

  constructor(port) {
    this.port = port;
    this.log = "";
  }

  kill(signal = "SIGKILL") {
    this.child.kill(signal);
    return this.exited;
  }

  /** Sends one request, its path as it is. Resolves with status, headers and body. */
  send(method, path, { body, headers = {} } = {}) {
    return new Promise((done, fail) => {
      // Node declares no length for methods that rarely have a body.
      const length =
        body === undefined || "transfer-encoding" in headers ? {} : { "content-length": Buffer.byteLength(body) };
      const options = {
        host: "127.0.0.1",
        port: this.port,
        method,
        path,
        headers: { ...length, ...headers },
        agent: false,
      };
      const call = request(options, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", fail);
        answer.on("end", () => {
          const bytes = Buffer.concat(parts);
          done({ status: answer.statusCode, headers: answer.headers, body: bytes.toString(), bytes });
        });
      });
      call.on("error", fail);
      call.end(body);
    });
  }
}
