// Signing requests to AWS. Source: AWS Signature Version 4.
import { createHash, createHmac } from "node:crypto";

export interface AwsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** "" for long-lived keys. */
  readonly sessionToken: string;
}

export interface SignedRequest {
  readonly url: string;
  readonly body: string;
  readonly contentType: string;
}

/** Headers that make a POST one of the holder of the keys. */
export function signedHeaders(
  { url, body, contentType }: SignedRequest,
  credentials: AwsCredentials,
  region: string,
  service: string,
  now: Date,
): Record<string, string> {
  const { host, pathname } = new URL(url);
  const time = `${now.toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
  const date = time.slice(0, 8);
  const headers: Record<string, string> = {
    "content-type": contentType,
    host,
    "x-amz-date": time,
    ...(credentials.sessionToken === "" ? {} : { "x-amz-security-token": credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signedNames = names.join(";");
  const canonical = [
    "POST",
    pathname,
    "",
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    signedNames,
    sha256(body),
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${credentials.secretKey}`,
  );
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const { host: _, "content-type": __, ...rest } = headers;
  return {
    ...rest,
    Authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`,
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
