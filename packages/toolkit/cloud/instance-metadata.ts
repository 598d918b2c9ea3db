// What a machine at AWS knows of itself. Source: EC2 User Guide, "Instance metadata", version 2 of the service.

import { type ApiClient, type ApiRequest, statusError } from "./api-client.ts";
import { credentialsOf, LOCAL_LIMIT_BYTES, LOCAL_TIMEOUT_MS } from "./aws-answer.ts";
import type { AwsCredentials } from "./aws-credentials.ts";
import { parseJson } from "./bounded-json.ts";
import { objectOf, textOf } from "./json-shape.ts";

const ENDPOINT = "http://169.254.169.254";
const TOKEN_SECONDS = 21_600;
const ROLES_PATH = "/latest/meta-data/iam/security-credentials/";

/** The metadata service. `AWS_EC2_METADATA_SERVICE_ENDPOINT` says where it is, `AWS_EC2_METADATA_DISABLED` that it is not. */
export class InstanceMetadata {
  readonly #client: ApiClient;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(client: ApiClient, environment: Readonly<Record<string, string | undefined>>) {
    this.#client = client;
    this.#environment = environment;
  }

  /** Those of the machine's role. Throws when it has none. */
  async credentials(signal: AbortSignal): Promise<AwsCredentials> {
    const token = await this.#token(signal);
    const [role = ""] = (await this.#get(ROLES_PATH, token, signal)).trim().split("\n");
    if (!/^[\w+=,.@-]+$/.test(role)) throw new Error("the machine has no role to take AWS credentials from");
    return credentialsOf(parseJson(await this.#get(ROLES_PATH + role, token, signal)));
  }

  /** The region the machine is in. */
  async region(signal: AbortSignal): Promise<string> {
    const token = await this.#token(signal);
    const document = parseJson(await this.#get("/latest/dynamic/instance-identity/document", token, signal));
    const region = textOf(objectOf(document, "identity document")["region"], "region");
    if (region === "") throw new Error("identity document names no region");
    return region;
  }

  /** "" where there is only version 1 of the service, which knows no tokens. */
  async #token(signal: AbortSignal): Promise<string> {
    if (this.#environment["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") {
      throw new Error("access to the metadata of the machine is disabled (AWS_EC2_METADATA_DISABLED)");
    }
    const headers = { "X-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_SECONDS) };
    const request = { ...this.#request("/latest/api/token", headers, signal), method: "PUT" as const };
    const answer = await this.#client.ask(request);
    if (answer.status === 200) return answer.text.trim();
    if ([403, 404, 405].includes(answer.status)) return "";
    throw statusError(answer, request);
  }

  async #get(path: string, token: string, signal: AbortSignal): Promise<string> {
    const headers: Record<string, string> = token === "" ? {} : { "X-aws-ec2-metadata-token": token };
    const request = this.#request(path, headers, signal);
    const answer = await this.#client.ask(request);
    if (answer.status !== 200) throw statusError(answer, request);
    return answer.text;
  }

  #request(path: string, headers: Record<string, string>, signal: AbortSignal): ApiRequest {
    const base = this.#environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] || ENDPOINT;
    const url = new URL(base.replace(/\/+$/, "") + path);
    return { url, headers, timeoutMs: LOCAL_TIMEOUT_MS, limitBytes: LOCAL_LIMIT_BYTES, signal };
  }
}
