// The server's command line: parsed, checked across flags, and what the log is to say about it.
import { hostname } from "node:os";
import { compileRegex } from "@narthex/model";
import { type FlagExit, flagTexts, formatDuration, parseFlags, quote, versionText } from "@narthex/toolkit";
import { type WebAddress, webAddress } from "./external-url.ts";
import { splitFeatures } from "./features.ts";
import { MISSING_FEATURES, MISSING_FLAGS } from "./missing.ts";
import type { ServerFlags } from "./server-flags.ts";
import { SERVER_FLAGS } from "./table.ts";

/** A line for the log about the command line. */
export interface StartNote {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** A command line that can be run. */
export interface ServerCommand {
  readonly kind: "run";
  readonly flags: ServerFlags;
  /** Names of the features that are on; unknown names are not among them. */
  readonly features: ReadonlySet<string>;
  readonly web: WebAddress;
  /** To be logged before anything starts: features, unknown names, flags whose feature does not exist yet. */
  readonly notes: readonly StartNote[];
}

/** What to call the program in messages, its version, and the name of this machine. */
export interface CommandContext {
  /** Standard: `narthex server`. */
  readonly program?: string;
  /** The number alone: `--version` prints it among the reference's lines. */
  readonly version: string;
  /** Standard: the operating system's. */
  readonly hostname?: string;
}

/** Reads the server's command line. Never throws, never prints: an `exit` result says what to print and how to end. */
export function parseServerFlags(argv: readonly string[], context: CommandContext): ServerCommand | FlagExit {
  const program = {
    name: context.program ?? "narthex server",
    description: "The Prometheus monitoring server",
    version: versionText("prometheus", context.version),
    flags: SERVER_FLAGS,
  };
  const parsed = parseFlags(program, argv);
  if (parsed.kind === "exit") return parsed;
  let flags = parsed.values as unknown as ServerFlags;
  const { known, unknown } = splitFeatures(flags.enableFeature);
  const features = new Set(known.map((feature) => feature.name));
  const problem = conflict(flags, features, parsed.given);
  if (problem !== undefined) return { kind: "exit", stdout: "", ...problem };
  let web: WebAddress;
  try {
    const [firstAddress] = flags.listenAddresses as readonly [string];
    web = webAddress(flags.webExternalUrl, flags.webRoutePrefix, firstAddress, context.hostname ?? hostname());
  } catch (error) {
    return refusal(2, `parse external URL ${quote(flags.webExternalUrl)}: ${(error as Error).message}\n`);
  }
  try {
    compileRegex(flags.webCorsOrigin);
  } catch (error) {
    const reason = (error as Error).message;
    return refusal(2, `could not compile CORS regex string ${quote(flags.webCorsOrigin)}: ${reason}\n`);
  }
  const notes: StartNote[] = [];
  for (const { name, note, level } of known) {
    if (MISSING_FEATURES.has(name))
      notes.push(missingNote(`--enable-feature=${name}`, `the feature ${name} does not exist yet`));
    else
      notes.push(level === "warn" ? { level, message: note, attributes: { option: name } } : { level, message: note });
  }
  for (const name of unknown) {
    notes.push({ level: "warn", message: "Unknown option for --enable-feature", attributes: { option: name } });
  }
  const texts = flagTexts(SERVER_FLAGS, parsed.values);
  const standard = standardTexts();
  for (const name of parsed.given) {
    const sentence = MISSING_FLAGS.get(name);
    if (sentence !== undefined && texts[name] !== standard[name]) notes.push(missingNote(`--${name}`, sentence));
  }
  if (flags.autoReloadIntervalMs < 1000) flags = { ...flags, autoReloadIntervalMs: 1000 };
  return { kind: "run", flags, features, web, notes };
}

/** Flags' values as `/api/v1/status/flags` lists them: in force, hidden ones included. */
export function statusFlags(
  command: ServerCommand,
  retention: { timeMs: number; sizeBytes: number },
): Record<string, string> {
  const { flags, web } = command;
  const inForce: ServerFlags = {
    ...flags,
    webRoutePrefix: web.routePrefix,
    tsdbRetentionTimeMs: retention.timeMs,
    tsdbRetentionBytes: retention.sizeBytes,
    tsdbMaxBlockDurationMs: flags.tsdbMaxBlockDurationMs || maxBlockDuration(retention.timeMs),
  };
  const texts = flagTexts(SERVER_FLAGS, inForce as unknown as Record<string, unknown>);
  return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How long blocks may become: a tenth of the retention, at most 31 days. */
export function maxBlockDuration(retentionMs: number): number {
  const most = 31 * 86_400_000;
  return retentionMs > 0 ? Math.min(Math.trunc(retentionMs / 10), most) : most;
}

/** Retention by the flags alone: 15 days when they say nothing. */
export function flagRetention(flags: ServerFlags): { timeMs: number; sizeBytes: number } {
  const isSet = flags.tsdbRetentionTimeMs !== 0 || flags.tsdbRetentionBytes !== 0;
  return {
    timeMs: isSet ? flags.tsdbRetentionTimeMs : 15 * 86_400_000,
    sizeBytes: flags.tsdbRetentionBytes,
  };
}

function missingNote(option: string, message: string): StartNote {
  return { level: "warn", message: `${option} has no effect: ${message}` };
}

function refusal(code: number, stderr: string): FlagExit {
  return { kind: "exit", code, stdout: "", stderr };
}

let standard: Record<string, string> | undefined;

function standardTexts(): Record<string, string> {
  if (standard === undefined) {
    const parsed = parseFlags({ name: "", description: "", version: "", flags: SERVER_FLAGS }, []);
    standard = parsed.kind === "run" ? flagTexts(SERVER_FLAGS, parsed.values) : {};
  }
  return standard;
}

const MIB = 1024 * 1024;

/** Flags that contradict one another or lie out of range. */
function conflict(
  flags: ServerFlags,
  features: ReadonlySet<string>,
  given: readonly string[],
): { code: number; stderr: string } | undefined {
  if (features.has("otlp-deltatocumulative") && features.has("otlp-native-delta-ingestion")) {
    return {
      code: 1,
      stderr:
        "Error parsing feature list: cannot enable otlp-deltatocumulative and otlp-native-delta-ingestion features at the same time\n",
    };
  }
  if (flags.webSearchMaxLimit < 0) {
    const limit = flags.webSearchMaxLimit;
    return {
      code: 1,
      stderr: `--web.search.max-limit must be non-negative; got ${limit} (use 0 to disable the cap)\n`,
    };
  }
  const others = flags.agent ? "server" : "agent";
  const misplaced = given.filter((name) => SERVER_FLAGS.find((flag) => flag.name === name)?.mode === others);
  if (misplaced.length > 0) {
    const where = flags.agent ? "can not be used in agent mode" : "can only be used in agent mode";
    const names = misplaced.map((name) => quote(`--${name}`)).join(" ");
    return { code: 3, stderr: `The following flag(s) ${where}: [${names}]` };
  }
  if (flags.agent && flags.agentCheckpointBatchSize <= 0) {
    return { code: 1, stderr: "--storage.agent.checkpoint-batch-size must be greater than 0.\n" };
  }
  if (!(flags.autoGomemlimitRatio > 0 && flags.autoGomemlimitRatio <= 1)) {
    return { code: 1, stderr: "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1." };
  }
  for (const [name, bytes] of [
    ["storage.tsdb.wal-segment-size", flags.tsdbWalSegmentBytes],
    ["storage.agent.wal-segment-size", flags.agentWalSegmentBytes],
  ] as const) {
    if (bytes !== 0 && (bytes < 10 * MIB || bytes > 256 * MIB)) {
      return { code: 1, stderr: `flag '${name}' must be set between 10MB and 256MB\n` };
    }
  }
  const segment = flags.tsdbMaxBlockChunkSegmentBytes;
  if (segment !== 0 && segment < MIB) {
    return { code: 1, stderr: "flag 'storage.tsdb.max-block-chunk-segment-size' must be set over 1MB\n" };
  }
  const longest = flags.tsdbMaxBlockDurationMs;
  if (longest !== 0 && longest < flags.tsdbMinBlockDurationMs) {
    const [most, least] = [formatDuration(longest), formatDuration(flags.tsdbMinBlockDurationMs)];
    return {
      code: 1,
      stderr: `--storage.tsdb.max-block-duration (${most}) must not be below --storage.tsdb.min-block-duration (${least})\n`,
    };
  }
  return undefined;
}
