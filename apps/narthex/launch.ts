// The launcher: `narthex SUBCOMMAND` starts one program. Nothing is imported before it is known to be needed.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Companion, startCompanion } from "./companion.ts";

export { trustExtraCertificates } from "./extra-certificates.ts";

/** Where the launcher prints, and how it comes by the programs; tests put in their own. */
export interface LaunchEnvironment {
  /** The folder of this package. */
  readonly home: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /**
   * Starts to read the log of the database in a folder, if that is long: it takes as long to get going as the server to be loaded.
   * Undefined where there is nothing to gain.
   */
  readonly readAhead: (directory: string) => LogReadAhead | undefined;
  /** Loads the server's entry. */
  readonly server: () => Promise<ServerEntry>;
  /** Loads the Alertmanager's entry. */
  readonly alertmanager: () => Promise<AlertmanagerEntry>;
  /** Loads the Pushgateway's entry. */
  readonly pushgateway: () => Promise<ProgramEntry>;
  /** Starts `narthex ARGV…` beside this process. */
  readonly companion: (argv: readonly string[]) => Companion;
}

/** What a program's package offers to the launcher. */
export interface ProgramEntry {
  /** Runs until the program has stopped; resolves to the exit code. */
  main(argv: string[]): Promise<number>;
}

/** What the Alertmanager's package offers to the launcher. */
export interface AlertmanagerEntry {
  /** Runs until it has stopped; resolves to the exit code. */
  main(argv: string[], options?: AlertmanagerOptions): Promise<number>;
  /** Runs one command of its command line; resolves to the exit code. */
  amtool(argv: string[]): Promise<number>;
}

/** What the launcher tells the Alertmanager besides its command line. */
export interface AlertmanagerOptions {
  /** Folder of the built web page. */
  readonly assets?: string;
}

/** What the server's package offers to the launcher. */
export interface ServerEntry {
  /** Runs until the server has stopped; resolves to the exit code. */
  main(argv: string[], options?: ServerOptions): Promise<number>;
  /** Runs one of the server's tools; resolves to the exit code. */
  runTool(argv: string[]): Promise<number>;
}

/** The server's thread that reads a log: it takes it over. */
export interface LogReadAhead {
  readonly directory: string;
}

/** What the launcher tells the server besides its command line. */
export interface ServerOptions {
  /** Folder of the built web page. */
  readonly assets?: string;
  /** Reads the log of the server's database already, if it is the right one. */
  readonly replayThread?: LogReadAhead | undefined;
  /** The configuration itself, in place of a file. */
  readonly configText?: string;
  /** Told once the server answers. */
  readonly onReady?: (place: ReadyPlace) => void;
}

/** What of the server's address its flags do not show. */
export interface ReadyPlace {
  readonly scheme: "http" | "https";
  /** "" or `/prefix`: what all paths begin with. */
  readonly path: string;
}

interface Subcommand {
  readonly name: string;
  readonly help: string;
  run(argv: string[], environment: LaunchEnvironment): number | Promise<number>;
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "server",
    help: "the monitoring server, with the reference's flags; narthex server --help lists them",
    async run(argv, environment) {
      const directory = dataDirectory(argv);
      const replayThread = directory === undefined ? undefined : environment.readAhead(directory);
      const { main } = await environment.server();
      return main(argv, { ...webAssets(environment.home), replayThread });
    },
  },
  {
    name: "start",
    help: "server and Alertmanager with a built-in configuration that watches themselves, data in ./data",
    async run(argv, environment) {
      const { start } = await import("./start.ts");
      return start(argv, webAssets(environment.home), environment);
    },
  },
  {
    name: "tool",
    help: "checks configurations and rules, runs PromQL scripts, asks servers; narthex tool --help lists all",
    async run(argv, environment) {
      const { runTool } = await environment.server();
      return runTool(argv);
    },
  },
  {
    name: "alertmanager",
    help: "groups, silences and sends alerts, with the reference's flags; narthex alertmanager --help lists them",
    async run(argv, environment) {
      const { main } = await environment.alertmanager();
      return main(argv, webAssets(environment.home));
    },
  },
  {
    name: "amtool",
    help: "asks an Alertmanager and changes what it holds; narthex amtool --help lists the commands",
    async run(argv, environment) {
      const { amtool } = await environment.alertmanager();
      return amtool(argv);
    },
  },
  {
    name: "pushgateway",
    help: "keeps what short-lived jobs push until it is scraped; narthex pushgateway --help lists its flags",
    async run(argv, environment) {
      const { main } = await environment.pushgateway();
      return main(argv);
    },
  },
  {
    name: "version",
    help: "print the version",
    run(_argv, { home, out }) {
      out(`narthex ${version(home)} (node ${process.versions.node}, ${process.platform}/${process.arch})\n`);
      return 0;
    },
  },
  {
    name: "help",
    help: "this text",
    run(_argv, { out }) {
      out(helpText());
      return 0;
    },
  },
];

/** Runs a command line; resolves to the exit code. Wrong ones are answered with one sentence and code 2. */
export async function launch(argv: readonly string[], environment: LaunchEnvironment): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    environment.err(helpText());
    return 2;
  }
  const name = ALIASES[first] ?? first;
  const subcommand = SUBCOMMANDS.find((each) => each.name === name);
  if (subcommand === undefined) {
    const advice = first.startsWith("-")
      ? `flags belong behind a subcommand: narthex server ${argv.join(" ")}`
      : `choose one of: ${SUBCOMMANDS.map((each) => each.name).join(", ")}`;
    environment.err(`narthex: unknown subcommand ${JSON.stringify(first)}; ${advice}\n`);
    return 2;
  }
  return subcommand.run(rest, environment);
}

/** Where the server's database lies, as far as its flags show that at a glance; undefined when it opens none. */
function dataDirectory(argv: readonly string[]): string | undefined {
  if (argv.some((arg) => /^(-h|--(help|help-long|help-man|version|agent))$/.test(arg))) return undefined;
  const flag = "--storage.tsdb.path";
  let directory = "data/";
  argv.forEach((arg, i) => {
    if (arg === flag) directory = argv[i + 1] ?? directory;
    else if (arg.startsWith(`${flag}=`)) directory = arg.slice(flag.length + 1);
  });
  return directory;
}

const ALIASES: Readonly<Record<string, string>> = { "--help": "help", "-h": "help", "--version": "version" };

function helpText(): string {
  const width = Math.max(...SUBCOMMANDS.map((each) => each.name.length));
  const lines = SUBCOMMANDS.map((each) => `  ${each.name.padEnd(width)}  ${each.help}`);
  return `usage: narthex SUBCOMMAND [<flags>]\n\n${lines.join("\n")}\n`;
}

function version(home: string): string {
  return (JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string }).version;
}

/** The built web page: inside this package once it is published, beside it in the workspace. */
function webAssets(home: string): ServerOptions {
  const folder = [join(home, "dist/web"), join(home, "../web-ui/dist")].find((candidate) =>
    existsSync(join(candidate, "index.html")),
  );
  return folder === undefined ? {} : { assets: folder };
}

/**
 * A bundled program, which starts in a fraction of the time; undefined where there is no bundle, or where one of the packages was
 * compiled after it. `app` is the folder of its package.
 */
function loadBundle<Entry>(home: string, name: string, app: string): Entry | undefined {
  const bundle = join(home, `dist/bundle/${name}.js`);
  const bundled = statSync(bundle, { throwIfNoEntry: false });
  if (bundled === undefined || bundled.mtimeMs < newestCompilation(home, app)) return undefined;
  return createRequire(bundle)(bundle) as Entry;
}

/** Only a bundle comes up before the server is loaded. */
function readAhead(home: string, directory: string): LogReadAhead | undefined {
  const bundle = loadBundle<ReplayThreadEntry>(home, "replay-thread", "server");
  return bundle?.ReplayThread.forDatabase(directory);
}

/** What the bundle of the replay's thread offers. */
interface ReplayThreadEntry {
  readonly ReplayThread: { forDatabase(directory: string): LogReadAhead | undefined };
}

/** A program's entry: bundled, or else as single files, which import TLS in a way that extra-certificates.ts does not see. */
async function loadProgram<Entry>(home: string, name: string, single: () => Promise<Entry>): Promise<Entry> {
  const bundle = loadBundle<Entry>(home, name, name);
  if (bundle !== undefined) return bundle;
  process.getBuiltinModule("node:tls");
  return single();
}

const compilations = new Map<string, number>();

/** When an app, or a package of this workspace, was last compiled, in milliseconds; 0 outside of a workspace. Looked up once. */
function newestCompilation(home: string, app: string): number {
  const known = compilations.get(app);
  if (known !== undefined) return known;
  const newest = findNewestCompilation(home, app);
  compilations.set(app, newest);
  return newest;
}

function findNewestCompilation(home: string, app: string): number {
  const packages = join(home, "../../packages");
  if (!existsSync(packages)) return 0;
  const folders = [...readdirSync(packages).map((name) => join(packages, name)), join(home, "..", app)];
  const times = folders.map(
    (folder) => statSync(join(folder, "dist/.tsbuildinfo"), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return Math.max(...times);
}

/** The process as it is; `home` is the folder of this package. */
export function processEnvironment(home: string): LaunchEnvironment {
  return {
    home,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readAhead: (directory) => readAhead(home, directory),
    server: () => loadProgram<ServerEntry>(home, "server", () => import("@narthex/server")),
    alertmanager: () => loadProgram<AlertmanagerEntry>(home, "alertmanager", () => import("@narthex/alertmanager")),
    pushgateway: () => loadProgram<ProgramEntry>(home, "pushgateway", () => import("@narthex/pushgateway")),
    companion: (argv) => startCompanion(home, argv),
  };
}
