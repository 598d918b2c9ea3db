// Targets that DNS records name.
import { promises as dns } from "node:dns";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import { RefreshDiscoverer } from "./refresh-discoverer.ts";
import type { TargetGroup } from "./target-group.ts";

/** What `dns_sd_configs` says. */
export interface DnsDiscoveryBody {
  readonly names: readonly string[];
  /** SRV, A, AAAA, MX or NS, in any case. */
  readonly type: string;
  /** For all but SRV. */
  readonly port: number;
  readonly refreshIntervalMs: number;
}

/** Whom to ask, and how names are completed. */
export interface ResolverConfig {
  /** Addresses, with ports where these are not 53. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  /** Names with so many dots are tried as they are before they are completed. */
  readonly ndots: number;
}

const QUERY_TIMEOUT_MS = 5000;
const QUERY_TRIES = 2;

interface Found {
  readonly host: string;
  readonly port: number;
  /** Which label holds the record's target. */
  readonly kind: "srv" | "mx" | "ns" | "address";
}

/** Asks for all its names at every interval. A name that does not exist has no targets; one that cannot be asked keeps its. */
export class DnsDiscoverer implements Discoverer {
  readonly #body: DnsDiscoveryBody;
  readonly #context: DiscovererContext;
  readonly #resolverConfig: () => ResolverConfig;
  readonly #refreshing: RefreshDiscoverer;
  readonly #last = new Map<string, TargetGroup>();
  #resolver: dns.Resolver | undefined;

  /** `resolverConfig` is asked before every refresh. */
  constructor(
    body: DnsDiscoveryBody,
    context: DiscovererContext,
    resolverConfig: () => ResolverConfig = readResolverConfig,
  ) {
    this.#body = body;
    this.#context = context;
    this.#resolverConfig = resolverConfig;
    this.#refreshing = new RefreshDiscoverer("dns", body.refreshIntervalMs, context, (signal) => this.#askAll(signal));
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#refreshing.start(emit);
  }

  stop(): void {
    this.#refreshing.stop();
    this.#resolver?.cancel();
  }

  async #askAll(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    const config = this.#resolverConfig();
    const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
    if (config.servers.length > 0) resolver.setServers(config.servers);
    this.#resolver = resolver;
    await Promise.all(
      this.#body.names.map(async (name) => {
        const { metrics, logger } = this.#context;
        metrics.dnsLookups.inc();
        try {
          const found = await this.#ask(resolver, name, config);
          this.#last.set(name, groupOf(name, found));
        } catch (error) {
          // Called off by the end of discovery: that is no failure.
          if (signal.aborted) return;
          metrics.dnsFailures.inc();
          logger.error("Error refreshing DNS targets", { name, err: (error as Error).message });
        }
      }),
    );
    return [...this.#last.values()];
  }

  /** Throws when no server could say whether the name has records. */
  async #ask(resolver: dns.Resolver, name: string, config: ResolverConfig): Promise<readonly Found[]> {
    let failure: Error | undefined;
    for (const candidate of candidates(name, config)) {
      try {
        const found = await this.#records(resolver, candidate);
        if (found.length > 0) return found;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENOTFOUND" && code !== "ENODATA") failure ??= error as Error;
      }
    }
    if (failure !== undefined) throw new Error(`could not resolve ${JSON.stringify(name)}: ${failure.message}`);
    return [];
  }

  async #records(resolver: dns.Resolver, name: string): Promise<Found[]> {
    const { port } = this.#body;
    switch (this.#body.type.toUpperCase()) {
      case "SRV":
        return (await resolver.resolveSrv(name)).map((record) => ({
          host: record.name,
          port: record.port,
          kind: "srv",
        }));
      case "MX":
        return (await resolver.resolveMx(name)).map(({ exchange }) => ({ host: exchange, port, kind: "mx" }));
      case "NS":
        return (await resolver.resolveNs(name)).map((host) => ({ host, port, kind: "ns" }));
      case "A":
        return (await resolver.resolve4(name)).map((host) => ({ host, port, kind: "address" }));
      default:
        return (await resolver.resolve6(name)).map((host) => ({ host, port, kind: "address" }));
    }
  }
}

function groupOf(name: string, found: readonly Found[]): TargetGroup {
  const targets = found.map(({ host, port, kind }) => {
    const bare = host.replace(/\.$/, "");
    const address = isIP(bare) === 6 ? `[${bare}]` : bare;
    const target = (wanted: Found["kind"]) => (kind === wanted ? `${bare}.` : "");
    return new Map([
      ["__address__", `${address}:${port}`],
      ["__meta_dns_name", name],
      ["__meta_dns_srv_record_target", target("srv")],
      ["__meta_dns_srv_record_port", kind === "srv" ? String(port) : ""],
      ["__meta_dns_mx_record_target", target("mx")],
      ["__meta_dns_ns_record_target", target("ns")],
    ]);
  });
  return { source: name, labels: new Map(), targets };
}

/** The full names a name may stand for, in the order in which they are tried. */
function candidates(name: string, { search, ndots }: ResolverConfig): string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const completed = search.map((domain) => `${name}.${domain}`);
  return name.split(".").length - 1 >= ndots ? [name, ...completed] : [...completed, name];
}

/** What `/etc/resolv.conf` says; the standards where there is none. */
export function readResolverConfig(path: string = "/etc/resolv.conf"): ResolverConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return { servers: [], search: [], ndots: 1 };
  }
  const servers: string[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split("\n")) {
    const [key, ...values] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (key === "nameserver" && values[0] !== undefined && isIP(values[0]) !== 0) servers.push(values[0]);
    else if (key === "search" || key === "domain")
      search = values.map((domain) => domain.replace(/\.$/, "")).filter(Boolean);
    else if (key === "options") {
      for (const option of values) if (/^ndots:\d+$/.test(option)) ndots = Math.min(Number(option.slice(6)), 15);
    }
  }
  return { servers, search, ndots };
}
