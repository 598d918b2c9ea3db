// What `azure_sd_configs` says.
import type { Secret } from "@narthex/toolkit";
import type { HttpClientConfig } from "../../config/types.ts";

/** Machines of one subscription. "" for what is not said. */
export interface AzureDiscoveryBody {
  /** Name of the cloud. */
  readonly environment: string;
  readonly port: number;
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly refreshIntervalMs: number;
  readonly authenticationMethod: "OAuth" | "ManagedIdentity" | "SDK" | "WorkloadIdentity";
  /** "" for all. */
  readonly resourceGroup: string;
  readonly http: HttpClientConfig;
}
