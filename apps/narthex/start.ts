// `narthex start`: a server that works without any configuration, and says where to look.
import { createServer } from "node:net";
import { defaultConfig } from "./default-config.ts";
import type { LaunchEnvironment, ReadyPlace, ServerOptions } from "./launch.ts";

const HOST = "127.0.0.1";
const FIRST_PORT = 9090;
const PORTS_TO_TRY = 20;
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
  if (argv.some((word) => word === "-h" || word === "--help")) {
    environment.out(HELP);
    return 0;
  }
  const written = flagText(argv, "web.listen-address");
  const address = written ?? `${HOST}:${await freePort(FIRST_PORT, environment)}`;
  const reachable = reachableAddress(address);
  const defaults: string[] = [];
  if (written === undefined) defaults.push(`--web.listen-address=${address}`);
  if (flagText(argv, "storage.tsdb.path") === undefined) defaults.push("--storage.tsdb.path=data");
  const hasConfig = flagText(argv, "config.file") !== undefined;
  const { main } = await environment.server();
  const onReady = ({ scheme, path }: ReadyPlace): void =>
    announce(`${scheme}://${reachable}${path}`, hasConfig, environment);
  return main(
    [...defaults, ...argv],
    hasConfig
      ? { ...options, onReady }
      : { ...options, onReady, configText: defaultConfig(reachable, routePrefix(argv)) },
  );
}

const HELP = `usage: narthex start [<flags>]

Starts the server with what you leave open filled in:
  --config.file=FILE                the built-in configuration, which watches the server itself
  --storage.tsdb.path=FOLDER        ./data
  --web.listen-address=HOST:PORT    ${HOST}:${FIRST_PORT}, or the next free port

All flags of the server work here as well: narthex server --help lists them.
`;

/** The text of `--name=text` or `--name text`, the first one; undefined when it is not there. */
function flagText(argv: readonly string[], name: string): string | undefined {
  for (const [i, word] of argv.entries()) {
    if (word === `--${name}`) return argv[i + 1] ?? "";
    if (word.startsWith(`--${name}=`)) return word.slice(name.length + 3);
  }
  return undefined;
}

/** What all paths begin with, by the flags: "" or `/prefix`. */
function routePrefix(argv: readonly string[]): string {
  const externalUrl = flagText(argv, "web.external-url") ?? "";
  const path = flagText(argv, "web.route-prefix") ?? (URL.canParse(externalUrl) ? new URL(externalUrl).pathname : "");
  const trimmed = path.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `/${trimmed}`;
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

/** Prints where to look. `url` is without a slash at the end. */
function announce(url: string, hasConfig: boolean, { out }: LaunchEnvironment): void {
  const source = hasConfig ? "" : ", watching itself with the built-in configuration";
  const graph = hasConfig ? "" : `  Live graphs of it: ${url}/query?${LIVE_GRAPHS}\n`;
  out(`\n  Narthex is ready at ${url}/${source}. Ctrl-C stops it.\n${graph}\n`);
}
