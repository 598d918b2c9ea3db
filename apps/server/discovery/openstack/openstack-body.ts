// What `openstack_sd_configs` says.
import type { Secret } from "@narthex/toolkit";
import type { TlsConfig } from "../../config/types.ts";

/** Who asks; "" for what is not said. */
export interface OpenstackIdentity {
  /** "" to take everything from the `OS_*` variables of the environment. */
  readonly identityEndpoint: string;
  readonly username: string;
  readonly userid: string;
  readonly password: Secret;
  readonly projectName: string;
  readonly projectId: string;
  readonly domainName: string;
  readonly domainId: string;
  readonly applicationCredentialName: string;
  readonly applicationCredentialId: string;
  readonly applicationCredentialSecret: Secret;
}

/** One kind of things in one region. */
export interface OpenstackDiscoveryBody extends OpenstackIdentity {
  readonly role: "hypervisor" | "instance" | "loadbalancer";
  readonly region: string;
  readonly refreshIntervalMs: number;
  readonly port: number;
  readonly allTenants: boolean;
  /** Undefined for the system's. */
  readonly tlsConfig: TlsConfig | undefined;
  /** Which of a service's endpoints to use. */
  readonly availability: "public" | "internal" | "admin";
}
