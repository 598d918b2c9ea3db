// The reference server as a peer, where its binary is at hand (`$PEERS_DIR`, or the usual cache folder).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Program } from "./program.mjs";

const BINARY = join(process.env.PEERS_DIR ?? join(homedir(), ".cache/monitoring-peers"), "root/usr/bin/prometheus");

/** For a test's options: why it is left out, or false. */
export const withoutPeer = existsSync(BINARY) ? false : "no Prometheus binary as a peer";

/** Prometheus, with what `Program` offers. */
export class Peer extends Program {
  launch() {
    const child = spawn(
      BINARY,
      [
        `--config.file=${this.configFile}`,
        `--storage.tsdb.path=${this.dataFolder}`,
        `--web.listen-address=127.0.0.1:${this.port}`,
        ...this.flags,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    child.stderr.on("data", (text) => (this.log += text));
    this.child = child;
    this.exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  }
}
