// Starts the built program the way a user does, and talks to it over HTTP.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@narthex/toolkit/testing";

export { freePort };

const root = resolve(import.meta.dirname, "../..");
export const COMMAND = join(root, "node_modules/.bin/narthex");
const READY_WITHIN_MS = 30_000;

/** A folder of its own that `test` takes away at the end. */
export function scratch(test) {
  const folder = mkdtempSync(join(tmpdir(), "narthex-test-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs `narthex ARGS` to its end. Resolves with exit code, both outputs and how long it took. */
export function runToEnd(args, { timeoutMs = 20_000, env = process.env } = {}) {
  return new Promise((done) => {
    const started = performance.now();
    const child = spawn(COMMAND, args, { stdio: ["ignore", "pipe", "pipe"], env });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ code, stdout, stderr, ms: performance.now() - started });
    });
  });
}

/** A server that was started; `test` kills it at the end if it still runs. */
export class Program {
  static async start(test, { config, folder = scratch(test), flags = [], port, ready = true }) {
    const configFile = join(folder, "prometheus.yml");
    writeFileSync(configFile, config);
    const program = new this(port ?? (await freePort()), folder, configFile, flags);
    test.after(() => program.kill());
    program.launch();
    if (ready) await program.ready();
    return program;
  }

  constructor(port, folder, configFile, flags) {
    this.port = port;
    this.folder = folder;
    this.configFile = configFile;
    this.dataFolder = join(folder, "data");
    this.flags = flags;
    this.url = `http://127.0.0.1:${port}`;
    this.log = "";
  }

  /** The flags that say what it is and where its data lie. */
  storageFlags() {
    return [`--storage.tsdb.path=${this.dataFolder}`];
  }

  launch() {
    const args = [
      "server",
      `--config.file=${this.configFile}`,
      ...this.storageFlags(),
      `--web.listen-address=127.0.0.1:${this.port}`,
      "--web.enable-lifecycle",
      ...this.flags,
    ];
    const child = spawn(COMMAND, args, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.on("data", (text) => (this.log += text));
    this.child = child;
    this.exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  }

  async ready() {
    let ended;
    this.exited.then((how) => (ended = how));
    for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until; await sleep(20)) {
      if (ended) throw new Error(`the program ended (${JSON.stringify(ended)}) before it was ready:\n${this.log}`);
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.status === 200) return;
    }
    throw new Error(`not ready within ${READY_WITHIN_MS} ms:\n${this.log}`);
  }

  async kill(signal = "SIGKILL") {
    this.child.kill(signal);
    return this.exited;
  }

  /** Calls the API; resolves with the data of a success, and throws the refusal's text otherwise. */
  async api(path, params = {}) {
    const answer = await fetch(`${this.url}/api/v1${path}?${new URLSearchParams(params)}`);
    const body = await answer.json();
    if (body.status !== "success") throw new Error(`${body.errorType}: ${body.error}`);
    return body.data;
  }

  /** An instant query's result. */
  async query(query, params = {}) {
    return (await this.api("/query", { query, ...params })).result;
  }

  /** Asks until `accept` likes the result of the query. */
  async until(query, accept, withinMs = 20_000) {
    let result;
    for (const end = Date.now() + withinMs; Date.now() < end; await sleep(50)) {
      result = await this.query(query).catch(() => undefined);
      if (result !== undefined && accept(result)) return result;
    }
    throw new Error(`${query} still answers ${JSON.stringify(result)?.slice(0, 500)}\n${this.log.slice(-3000)}`);
  }
}

/** The same in agent mode. */
export class Agent extends Program {
  storageFlags() {
    return ["--agent", `--storage.agent.path=${this.dataFolder}`];
  }
}
