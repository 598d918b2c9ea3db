// Credentials of AWS, from where the reference's library takes them, in the same order. Source: AWS SDKs and Tools
// Reference Guide, "Standardized credential providers".
import { readFileSync } from "node:fs";
import type { ApiClient } from "./api-client.ts";
import { containerCredentials } from "./aws-container.ts";
import { type AwsProfile, readAwsProfile } from "./aws-profile.ts";
import { InstanceMetadata } from "./instance-metadata.ts";
import { assumeRole, assumeRoleWithWebIdentity, type StsOptions } from "./sts.ts";

/** Credentials are exchanged so long before their end. */
const EXPIRY_MARGIN_MS = 5 * 60 * 1000;
/** Roles that name each other in a circle end here. */
const MAX_ROLES = 5;

/** Whom a request comes from. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** "" for those that do not expire. */
  readonly sessionToken: string;
  /** Milliseconds since the epoch; infinite for those that do not expire. */
  readonly expires: number;
}

/** What a configuration says of credentials; "" for what it does not say. */
export interface AwsIdentity {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly profile: string;
  readonly roleArn: string;
  readonly externalId: string;
}

/** Where credentials are looked for. */
export interface AwsSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly client: ApiClient;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Who takes on roles, for the names of the sessions. Standard: prometheus. */
  readonly program?: string;
}

/** The credentials of one identity: looked for at need, kept until shortly before their end. */
export class AwsCredentialSource {
  readonly #identity: AwsIdentity;
  readonly #surroundings: AwsSurroundings;
  readonly #metadata: InstanceMetadata;
  #credentials: AwsCredentials | undefined;
  /** What is being looked for: whoever asks meanwhile waits for the same answer. */
  #pending: Promise<AwsCredentials> | undefined;
  #region: Promise<string> | undefined;

  constructor(identity: AwsIdentity, surroundings: AwsSurroundings) {
    this.#identity = identity;
    this.#surroundings = surroundings;
    this.#metadata = new InstanceMetadata(surroundings.client, surroundings.environment);
  }

  /** Credentials for the region `region`, looked for once at a time. Throws when there are none. */
  async credentials(region: string, signal: AbortSignal): Promise<AwsCredentials> {
    const known = this.#credentials;
    if (known !== undefined && this.#surroundings.now() < known.expires - EXPIRY_MARGIN_MS) return known;
    this.#pending ??= this.#renew(region, signal).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Whoever was asked did not like them: look anew the next time. */
  forget(): void {
    this.#credentials = undefined;
  }

  /**
   * The region: of the configuration, of the environment, of the profile, of the machine. Found once and kept; throws when none
   * says it, and then looks again the next time.
   */
  async region(configured: string, signal: AbortSignal): Promise<string> {
    if (configured !== "") return configured;
    this.#region ??= this.#findRegion(signal).catch((error: unknown) => {
      this.#region = undefined;
      throw error;
    });
    return this.#region;
  }

  async #renew(region: string, signal: AbortSignal): Promise<AwsCredentials> {
    const { roleArn, externalId } = this.#identity;
    const sts: StsOptions = { ...this.#surroundings, region };
    let found = await this.#own(sts, signal);
    if (roleArn !== "") found = await assumeRole({ roleArn, externalId, sessionName: "" }, found, sts, signal);
    this.#credentials = found;
    return found;
  }

  async #findRegion(signal: AbortSignal): Promise<string> {
    const { environment } = this.#surroundings;
    const named = environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || this.#profile().region;
    if (named !== "") return named;
    try {
      return await this.#metadata.region(signal);
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(`could not determine AWS region: failed to get region from IMDS: ${reason}`, { cause: error });
    }
  }

  #profile(): AwsProfile {
    const { environment } = this.#surroundings;
    return readAwsProfile(this.#identity.profile || environment["AWS_PROFILE"] || "default", environment);
  }

  async #own(sts: StsOptions, signal: AbortSignal): Promise<AwsCredentials> {
    const { accessKey, secretKey, profile } = this.#identity;
    const { environment, client } = this.#surroundings;
    if (accessKey !== "" && secretKey !== "") return lasting(accessKey, secretKey, "");
    if (profile === "") {
      const id = environment["AWS_ACCESS_KEY_ID"] || environment["AWS_ACCESS_KEY"];
      const secret = environment["AWS_SECRET_ACCESS_KEY"] || environment["AWS_SECRET_KEY"];
      if (id && secret) return lasting(id, secret, environment["AWS_SESSION_TOKEN"] ?? "");
      const tokenFile = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] ?? "";
      if (tokenFile !== "") {
        const roleArn = environment["AWS_ROLE_ARN"] ?? "";
        return this.#byToken(roleArn, environment["AWS_ROLE_SESSION_NAME"] ?? "", tokenFile, sts, signal);
      }
    }
    const found = await this.#ofProfile(this.#profile(), sts, signal, 0);
    if (found !== undefined) return found;
    if (profile !== "") throw new Error(`AWS profile ${JSON.stringify(profile)} has no credentials`);
    return (await containerCredentials(client, environment, signal)) ?? this.#metadata.credentials(signal);
  }

  /** Undefined when the profile says nothing of credentials. */
  async #ofProfile(
    profile: AwsProfile,
    sts: StsOptions,
    signal: AbortSignal,
    depth: number,
  ): Promise<AwsCredentials | undefined> {
    const { roleArn, externalId, sessionName, sourceProfile, credentialSource, tokenFile } = profile;
    if (depth > MAX_ROLES) throw new Error("AWS profiles name each other as source in a circle");
    if (profile.unsupported !== "") {
      throw new Error(
        `AWS profile ${JSON.stringify(profile.name)} uses ${profile.unsupported}, which is not supported`,
      );
    }
    if (roleArn !== "" && tokenFile !== "") return this.#byToken(roleArn, sessionName, tokenFile, sts, signal);
    if (roleArn !== "" && sourceProfile + credentialSource !== "") {
      const source =
        sourceProfile === "" ? this.#ofSource(credentialSource, signal) : this.#ofOther(profile, sts, signal, depth);
      return assumeRole({ roleArn, externalId, sessionName }, await source, sts, signal);
    }
    const { accessKeyId, secretAccessKey, sessionToken } = profile;
    return accessKeyId !== "" && secretAccessKey !== ""
      ? lasting(accessKeyId, secretAccessKey, sessionToken)
      : undefined;
  }

  async #ofOther(profile: AwsProfile, sts: StsOptions, signal: AbortSignal, depth: number): Promise<AwsCredentials> {
    const { name, sourceProfile, accessKeyId, secretAccessKey, sessionToken } = profile;
    // A profile may be its own source: then its own keys are meant.
    if (sourceProfile === name) return lasting(accessKeyId, secretAccessKey, sessionToken);
    const other = readAwsProfile(sourceProfile, this.#surroundings.environment);
    const found = await this.#ofProfile(other, sts, signal, depth + 1);
    if (found === undefined) throw new Error(`AWS profile ${JSON.stringify(sourceProfile)} has no credentials`);
    return found;
  }

  async #ofSource(source: string, signal: AbortSignal): Promise<AwsCredentials> {
    const { environment, client } = this.#surroundings;
    switch (source) {
      case "Environment":
        return lasting(
          environment["AWS_ACCESS_KEY_ID"] ?? "",
          environment["AWS_SECRET_ACCESS_KEY"] ?? "",
          environment["AWS_SESSION_TOKEN"] ?? "",
        );
      case "Ec2InstanceMetadata":
        return this.#metadata.credentials(signal);
      case "EcsContainer": {
        const found = await containerCredentials(client, environment, signal);
        if (found === undefined) throw new Error("no container to take AWS credentials from");
        return found;
      }
      default:
        throw new Error(`unknown AWS credential_source ${JSON.stringify(source)}`);
    }
  }

  #byToken(
    roleArn: string,
    sessionName: string,
    tokenFile: string,
    sts: StsOptions,
    signal: AbortSignal,
  ): Promise<AwsCredentials> {
    const token = readFileSync(tokenFile, "utf8").trim();
    return assumeRoleWithWebIdentity({ roleArn, externalId: "", sessionName }, token, sts, signal);
  }
}

/** Credentials that are given, not fetched. */
export function lasting(accessKeyId: string, secretAccessKey: string, sessionToken: string): AwsCredentials {
  return { accessKeyId, secretAccessKey, sessionToken, expires: Number.POSITIVE_INFINITY };
}
