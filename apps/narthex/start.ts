// `narthex start`: a server and an Alertmanager that work without any configuration, and say where to look.
import { createServer } from "node:net";
import { join } from "node:path";
import type { Companion } from "./companion.ts";
import { defaultConfig } from "./default-config.ts";
import type { LaunchEnvironment, ReadyPlace, ServerOptions } from "./launch.ts";

const HOST = "127.0.0.1";
const FIRST_PORT = 9090;
const ALERTMANAGER_PORT = 9093;
/** Flags of `narthex start` itself. */
const ALERTMANAGER_CONFIG = "alertmanager.config.file";
const ALERTMANAGER_ADDRESS = "alertmanager.web.listen-address";
const NO_ALERTMANAGER = "--no-alertmanager";
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

/** Starts both with what `argv` leaves open filled in; resolves to the server's exit code. */
export async function start(argv: string[], options: ServerOptions, environment: LaunchEnvironment): Promise<number> {
  if (argv.some((word) => word === "-h" || word === "--help")) {
    environment.out(HELP);
    return 0;
  }
  const { rest, alertmanagerConfig, alertmanagerAddress, without } = ownFlags(argv);
  const written = flagText(rest, "web.listen-address");
  const port = written === undefined ? await freePort(FIRST_PORT, environment) : 0;
  const address = written ?? `${HOST}:${port}`;
  const reachable = reachableAddress(address);
  const dataPath = flagText(rest, "storage.tsdb.path") ?? "data";
  const defaults: string[] = [];
  if (written === undefined) defaults.push(`--web.listen-address=${address}`);
  if (flagText(rest, "storage.tsdb.path") === undefined) defaults.push(`--storage.tsdb.path=${dataPath}`);
  const hasConfig = flagText(rest, "config.file") !== undefined;
  // An agent has no rules. Whoever brings a configuration has said there which Alertmanagers there are.
  const hasRules = !rest.includes("--agent");
  const withAlertmanager = !without && hasRules && (!hasConfig || alertmanagerConfig !== undefined);
  const alertmanager = withAlertmanager
    ? (alertmanagerAddress ?? `${HOST}:${await freePort(ALERTMANAGER_PORT, environment, port)}`)
    : undefined;
  const told = alertmanager && reachableAddress(alertmanager);
  const { main } = await environment.server();
  let companion: Companion | undefined;
  const onReady = ({ scheme, path }: ReadyPlace): void => {
    if (alertmanager !== undefined) {
      companion = startAlertmanager(alertmanager, dataPath, alertmanagerConfig, environment);
    }
    announce(`${scheme}://${reachable}${path}`, hasConfig, told, environment);
  };
  const configText = hasConfig
    ? undefined
    : defaultConfig({
        server: reachable,
        prefix: routePrefix(rest),
        alertmanager: told,
        rules: hasRules ? defaultsFile("rules.yml", environment) : undefined,
      });
  const code = await main([...defaults, ...rest], {
    ...options,
    onReady,
    ...(configText === undefined ? {} : { configText }),
  });
  await companion?.stop();
  return code;
}

const HELP = `usage: narthex start [<flags>]

Starts the server with what you leave open filled in:
  --config.file=FILE                the built-in configuration, which watches the programs themselves
  --storage.tsdb.path=FOLDER        ./data
  --web.listen-address=HOST:PORT    ${HOST}:${FIRST_PORT}, or the next free port

and beside it an Alertmanager at ${HOST}:${ALERTMANAGER_PORT}, or the next free port, with its data in FOLDER/alertmanager:
  --${ALERTMANAGER_CONFIG}=FILE   the built-in configuration, which shows alerts and tells nobody
  --${ALERTMANAGER_ADDRESS}=HOST:PORT   where it listens
  ${NO_ALERTMANAGER}                 none; none is started with a --config.file of yours either, unless it has a file, too

All flags of the server work here as well: narthex server --help lists them.
`;

interface OwnFlags {
  /** What is left for the server. */
  readonly rest: string[];
  readonly alertmanagerConfig: string | undefined;
  readonly alertmanagerAddress: string | undefined;
  readonly without: boolean;
}

function ownFlags(argv: readonly string[]): OwnFlags {
  const flags = [`--${ALERTMANAGER_CONFIG}`, `--${ALERTMANAGER_ADDRESS}`];
  const isOwn = (word: string, i: number): boolean =>
    word === NO_ALERTMANAGER ||
    flags.some((flag) => word === flag || argv[i - 1] === flag || word.startsWith(`${flag}=`));
  return {
    rest: argv.filter((word, i) => !isOwn(word, i)),
    alertmanagerConfig: flagText(argv, ALERTMANAGER_CONFIG),
    alertmanagerAddress: flagText(argv, ALERTMANAGER_ADDRESS),
    without: argv.includes(NO_ALERTMANAGER),
  };
}

/** Runs beside the server until that ends. It has no peers, so it need not wait for any. */
function startAlertmanager(
  address: string,
  dataPath: string,
  configFile: string | undefined,
  environment: LaunchEnvironment,
): Companion {
  const companion = environment.companion([
    "alertmanager",
    `--config.file=${configFile ?? defaultsFile("alertmanager.yml", environment)}`,
    `--storage.path=${join(dataPath, "alertmanager")}`,
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
    "--log.level=warn",
  ]);
  let isOver = false;
  void companion.ended.then((code) => {
    // Ctrl-C reaches both.
    if (isOver || code === 0) return;
    const how = code === undefined ? "was killed" : `ended with code ${code}`;
    environment.err(`narthex: the Alertmanager ${how}; the server goes on without it\n`);
  });
  return {
    ended: companion.ended,
    stop: () => {
      isOver = true;
      return companion.stop();
    },
  };
}

function defaultsFile(name: string, { home }: LaunchEnvironment): string {
  return join(home, "defaults", name);
}

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

/** The first free port from `first` on but for `reserved`. Taken ones are skipped with a word about it. */
async function freePort(first: number, { err }: LaunchEnvironment, reserved = 0): Promise<number> {
  for (let port = first; port < first + PORTS_TO_TRY; port++) {
    if (port !== reserved && (await isFree(port))) {
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
function announce(url: string, hasConfig: boolean, alertmanager: string | undefined, { out }: LaunchEnvironment): void {
  const source = hasConfig ? "" : ", watching itself with the built-in configuration";
  const graph = hasConfig ? "" : `  Live graphs of it: ${url}/query?${LIVE_GRAPHS}\n`;
  const alerts = alertmanager === undefined ? "" : `  Alerts and silences: http://${alertmanager}/\n`;
  out(`\n  Narthex is ready at ${url}/${source}. Ctrl-C stops it.\n${graph}${alerts}\n`);
}
