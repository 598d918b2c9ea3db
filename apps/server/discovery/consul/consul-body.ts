// What `consul_sd_configs` says.
import type { Secret } from "@narthex/toolkit";
import type { HttpClientConfig } from "../../config/types.ts";

/** One agent to ask, and which services to take from it. "" and empty lists stand for not given. */
export interface ConsulDiscoveryBody {
  /** `host:port`, also behind `http://`, `https://` or, with a path, `unix://`. */
  readonly server: string;
  readonly pathPrefix: string;
  readonly token: Secret;
  readonly datacenter: string;
  readonly namespace: string;
  readonly partition: string;
  readonly tagSeparator: string;
  readonly scheme: string;
  readonly username: string;
  readonly password: Secret;
  readonly allowStale: boolean;
  /** Between the end of one blocking query and the next, at least. */
  readonly refreshIntervalMs: number;
  /** Empty for all. */
  readonly services: readonly string[];
  /** A service must have them all. */
  readonly tags: readonly string[];
  readonly nodeMeta: ReadonlyMap<string, string>;
  readonly filter: string;
  readonly healthFilter: string;
  readonly http: HttpClientConfig;
}
