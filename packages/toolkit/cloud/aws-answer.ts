// Credentials as the metadata of machines and containers show them.

import type { AwsCredentials } from "./aws-credentials.ts";
import { objectOf, textOf } from "./json-shape.ts";

/** For whatever answers from the machine itself. */
export const LOCAL_TIMEOUT_MS = 5000;
export const LOCAL_LIMIT_BYTES: number = 64 << 10;

/** Reads `{AccessKeyId, SecretAccessKey, Token, Expiration}`. Throws for an answer without them. */
export function credentialsOf(answer: unknown): AwsCredentials {
  const fields = objectOf(answer, "credentials");
  const accessKeyId = textOf(fields["AccessKeyId"], "AccessKeyId");
  const secretAccessKey = textOf(fields["SecretAccessKey"], "SecretAccessKey");
  const code = textOf(fields["Code"], "Code");
  if (accessKeyId === "" || secretAccessKey === "" || (code !== "" && code !== "Success")) {
    throw new Error(`answer holds no credentials${code === "" ? "" : `: ${code.slice(0, 100)}`}`);
  }
  const expires = Date.parse(textOf(fields["Expiration"], "Expiration"));
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: textOf(fields["Token"], "Token"),
    expires: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires,
  };
}
