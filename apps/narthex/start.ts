// `narthex start`: a server that works without any configuration, and says where to look.
import { request } from "node:http";
import { createServer } from "node:net";
import { defaultConfig } from "./default-config.ts";
import type { LaunchEnvironment, ServerOptions } from "./launch.ts";

const HOST = "127.0.0.1";
const FIRST_PORT = 9090;
const PORTS_TO_TRY = 20;
const READY_POLL_MS = 100;
const READY_PATIENCE_MS = 60_000;
/** What a newcomer sees first: processor time, memory and work of the server itself, drawn anew every few seconds. */
const LIVE_GRAPHS = [
  "rate(process_cpu_seconds_total[30s])",
  "process_resident_memory_bytes",
  "rate(prometheus_tsdb_head_samples_appended_total[30s])",
]
  .map((query, i) => `g${i}.expr=${encodeURIComponent(query)}&g${i}.tab=graph&g${i}.range_input=5m`)
  .join("&")
  .concat("&refresh=5s");

/** Starts the server with what `argv` leaves open filled in; resolves to its exit code. */
export async function start(argv: string[], options: ServerOptions, environment: LaunchEnvironment): Promise<number> {
  const written = flagText(argv, "web.listen-address");
  const address = written ?? `${HOST}:${await freePort(FIRST_PORT, environment)}`;
  const reachable = reachableAddress(address);
  const defaults: string[] = [];
  if (written === undefined) defaults.push(`--web.listen-address=${address}`);
  if (flagText(argv, "storage.tsdb.path") === undefined) defaults.push("--storage.tsdb.path=data");
  const hasConfig = flagText(argv, "config.file") !== undefined;
  const { main } = await environment.server();
  const stopWaiting = hasHelpFlag(argv) ? () => {} : announceWhenReady(reachable, hasConfig, environment);
  try {
    return await main(
      [...defaults, ...argv],
      hasConfig ? options : { ...options, configText: defaultConfig(reachable) },
    );
  } finally {
    stopWaiting();
  }
}

function hasHelpFlag(argv: readonly string[]): boolean {
  return argv.some((word) => ["-h", "--help", "--help-long", "--help-man", "--version"].includes(word));
}

/** The text of `--name=text` or `--name text`, the first one; undefined when it is not there. */
function flagText(argv: readonly string[], name: string): string | undefined {
  for (const [i, word] of argv.entries()) {
    if (word === `--${name}`) return argv[i + 1] ?? "";
    if (word.startsWith(`--${name}=`)) return word.slice(name.length + 3);
  }
  return undefined;
}

/** Where a browser on this machine finds a listen address. */
function reachableAddress(address: string): string {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(colon, 0));
  const isAny = host === "" || host === "0.0.0.0" || host === "[::]";
  return `${isAny ? "localhost" : host}${address.slice(colon)}`;
}

/** The first free port from `first` on. Taken ones are skipped with a word about it. */
async function freePort(first: number, { err }: LaunchEnvironment): Promise<number> {
  for (let port = first; port < first + PORTS_TO_TRY; port++) {
    if (await isFree(port)) {
      if (port !== first) err(`narthex: port ${first} is taken, using ${port}\n`);
      return port;
    }
  }
  return first;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

/** Prints where to look once the server answers. Returns a function that gives up waiting. */
function announceWhenReady(address: string, hasConfig: boolean, { out }: LaunchEnvironment): () => void {
  const deadline = Date.now() + READY_PATIENCE_MS;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const poll = async (): Promise<void> => {
    if (await isReady(address)) {
      if (stopped) return;
      const source = hasConfig ? "" : ", watching itself with the built-in configuration";
      const graph = hasConfig ? "" : `  Live graphs of it: http://${address}/query?${LIVE_GRAPHS}\n`;
      out(`\n  Narthex is ready at http://${address}/${source}. Ctrl-C stops it.\n${graph}\n`);
    } else if (!stopped && Date.now() < deadline) {
      timer = setTimeout(() => void poll(), READY_POLL_MS).unref();
    }
  };
  timer = setTimeout(() => void poll(), READY_POLL_MS).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function isReady(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(`http://${address}/-/ready`, { timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}
