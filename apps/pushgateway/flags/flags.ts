// The gateway's command line: the reference's flags, and what goes beyond it.
import { getHeapStatistics } from "node:v8";
import {
  booleanFlag,
  choiceFlag,
  durationFlag,
  type Flag,
  type FlagExit,
  flagTexts,
  goDurationFlag,
  LOG_FORMATS,
  LOG_LEVELS,
  parseFlags,
  sizeFlag,
  textFlag,
  versionText,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../build-info.ts";

/** Every flag, parsed. Times are milliseconds, sizes bytes. */
export interface GatewayFlags {
  readonly systemdSocket: boolean;
  readonly listenAddresses: readonly string[];
  /** "" for none. */
  readonly webConfigFile: string;
  readonly telemetryPath: string;
  readonly externalUrl: string;
  readonly routePrefix: string;
  readonly enableLifecycle: boolean;
  readonly enableAdminApi: boolean;
  /** "" keeps everything in memory only. */
  readonly persistenceFile: string;
  readonly persistenceIntervalMs: number;
  readonly disableCheck: boolean;
  readonly enableUtf8Names: boolean;
  readonly maxBodyBytes: number;
  /** 0 means half of what the process may use. */
  readonly maxStoreBytes: number;
  /** 0 for no end. */
  readonly groupTtlMs: number;
  readonly enableTtl: boolean;
  /** "" for none. */
  readonly rulesFile: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/** A command line that can be run. */
export interface GatewayCommand {
  readonly kind: "run";
  readonly flags: GatewayFlags;
  /** By name, as `/api/v1/status` shows them. */
  readonly texts: Readonly<Record<string, string>>;
  /** "" or `/prefix`. */
  readonly routePrefix: string;
}

const off = { default: "false" } as const;

const FLAGS: readonly (Flag & { readonly property: keyof GatewayFlags })[] = [
  {
    name: "web.systemd-socket",
    property: "systemdSocket",
    type: booleanFlag,
    help: "Use systemd socket activation listeners instead of port listeners (Linux only).",
    ...off,
  },
  {
    name: "web.listen-address",
    property: "listenAddresses",
    type: textFlag,
    help: "Addresses on which to expose metrics and web interface. Repeatable for multiple addresses. Examples: `:9100` or `[::1]:9100`.",
    default: [":9091"],
    repeatable: true,
  },
  {
    name: "web.config.file",
    property: "webConfigFile",
    type: textFlag,
    help: "Path to configuration file that can enable TLS or authentication. See: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md",
    default: "",
  },
  {
    name: "web.telemetry-path",
    property: "telemetryPath",
    type: textFlag,
    help: "Path under which to expose metrics.",
    default: "/metrics",
  },
  {
    name: "web.external-url",
    property: "externalUrl",
    type: textFlag,
    help: "The URL under which the Pushgateway is externally reachable.",
    default: "",
  },
  {
    name: "web.route-prefix",
    property: "routePrefix",
    type: textFlag,
    help: "Prefix for the internal routes of web endpoints. Defaults to the path of --web.external-url.",
    default: "",
  },
  {
    name: "web.enable-lifecycle",
    property: "enableLifecycle",
    type: booleanFlag,
    help: "Enable shutdown via HTTP request.",
    ...off,
  },
  {
    name: "web.enable-admin-api",
    property: "enableAdminApi",
    type: booleanFlag,
    help: "Enable API endpoints for admin control actions.",
    ...off,
  },
  {
    name: "persistence.file",
    property: "persistenceFile",
    type: textFlag,
    help: "File to persist metrics. If empty, metrics are only kept in memory.",
    default: "",
  },
  {
    name: "persistence.interval",
    property: "persistenceIntervalMs",
    type: goDurationFlag,
    help: "The minimum interval at which to write out the persistence file.",
    default: "5m",
  },
  {
    name: "push.disable-consistency-check",
    property: "disableCheck",
    type: booleanFlag,
    help: "Do not check consistency of pushed metrics. DANGEROUS.",
    ...off,
  },
  {
    name: "push.enable-utf8-names",
    property: "enableUtf8Names",
    type: booleanFlag,
    help: "Allow UTF-8 characters in metric and label names.",
    ...off,
  },
  {
    name: "push.max-body-size",
    property: "maxBodyBytes",
    type: sizeFlag,
    help: "The largest body of a push, uncompressed. Not in the reference.",
    default: "32MB",
  },
  {
    name: "push.max-store-size",
    property: "maxStoreBytes",
    type: sizeFlag,
    help: "Roughly how much memory the groups may take together; pushes beyond it are refused. 0 means half of what this process may use. Not in the reference.",
    default: "0",
  },
  {
    name: "push.group-ttl",
    property: "groupTtlMs",
    type: durationFlag,
    help: "Delete a group when nothing was pushed to it for so long. 0 means never. Not in the reference.",
    default: "0s",
  },
  {
    name: "push.enable-ttl",
    property: "enableTtl",
    type: booleanFlag,
    help: "Let a push say how long its group lives, by the header Narthex-Ttl or the parameter ttl. Not in the reference.",
    ...off,
  },
  {
    name: "push.rules-file",
    property: "rulesFile",
    type: textFlag,
    help: "File with rules by which groups end, or add up what is pushed to them. Not in the reference.",
    default: "",
  },
  {
    name: "log.level",
    property: "logLevel",
    type: choiceFlag(LOG_LEVELS),
    help: `Only log messages with the given severity or above. One of: [${LOG_LEVELS.join(", ")}]`,
    default: "info",
  },
  {
    name: "log.format",
    property: "logFormat",
    type: choiceFlag(LOG_FORMATS),
    help: `Output format of log messages. One of: [${LOG_FORMATS.join(", ")}]`,
    default: "logfmt",
  },
];

/** Reads a command line. Never throws, never prints. */
export function parseGatewayFlags(argv: readonly string[]): GatewayCommand | FlagExit {
  const program = {
    name: "narthex pushgateway",
    description: "The Pushgateway",
    version: versionText("pushgateway", COMPATIBLE_VERSION),
    flags: FLAGS,
  };
  const parsed = parseFlags(program, argv);
  if (parsed.kind === "exit") return parsed;
  const written = parsed.values as unknown as GatewayFlags;
  const flags = written.maxStoreBytes > 0 ? written : { ...written, maxStoreBytes: halfOfHeap() };
  const prefix = flags.routePrefix === "" ? pathOf(flags.externalUrl) : flags.routePrefix;
  if (prefix === undefined) {
    const stderr = `parse ${JSON.stringify(flags.externalUrl)}: it is no URL: write it as http://HOST:PORT/PATH\n`;
    return { kind: "exit", code: 1, stdout: "", stderr };
  }
  const trimmed = prefix.replace(/^\/+|\/+$/g, "");
  const texts = flagTexts(FLAGS, flags as unknown as Record<string, unknown>);
  return { kind: "run", flags, texts, routePrefix: trimmed === "" ? "" : `/${trimmed}` };
}

function halfOfHeap(): number {
  return Math.floor(getHeapStatistics().heap_size_limit / 2);
}

function pathOf(externalUrl: string): string | undefined {
  if (externalUrl === "") return "";
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+([^?#\s]*)/.exec(externalUrl)?.[1];
}
