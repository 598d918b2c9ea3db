// What `ec2_sd_configs` says, and `aws_sd_configs` of the role `ec2`.
import type { Secret } from "@narthex/toolkit";
import type { HttpClientConfig } from "../../config/types.ts";

/** Restricts what is listed to what has one of the values. */
export interface AwsFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Machines of one region. "" for what is not said. */
export interface Ec2DiscoveryBody {
  /** URL of the service; "" for the region's own. */
  readonly endpoint: string;
  /** "" to find out. */
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: Secret;
  readonly profile: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly refreshIntervalMs: number;
  readonly port: number;
  readonly filters: readonly AwsFilter[];
  readonly http: HttpClientConfig;
}
