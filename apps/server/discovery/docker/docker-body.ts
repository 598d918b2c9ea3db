// What `docker_sd_configs` and `dockerswarm_sd_configs` say.
import type { HttpClientConfig } from "../../config/types.ts";

/** Which objects the daemon is to list: those that have one of the values. */
export interface DockerFilter {
  readonly name: string;
  readonly values: readonly string[];
}

interface Daemon {
  /** `unix://`, `tcp://`, `http://` or `https://`. */
  readonly host: string;
  /** For targets that name none. */
  readonly port: number;
  readonly filters: readonly DockerFilter[];
  readonly refreshIntervalMs: number;
  readonly http: HttpClientConfig;
}

/** Containers of one daemon. */
export interface DockerDiscoveryBody extends Daemon {
  /** Address of containers that use the network of their host. */
  readonly hostNetworkingHost: string;
  /** Takes only the first of a container's networks, by name. */
  readonly matchFirstNetwork: boolean;
}

/** One kind of objects of a swarm. */
export interface SwarmDiscoveryBody extends Daemon {
  readonly role: "services" | "tasks" | "nodes";
}
