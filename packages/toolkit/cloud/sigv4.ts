// AWS Signature Version 4: the headers that prove who asks. Source: AWS General Reference, "Signature Version 4 signing
// process".
import { createHash, createHmac } from "node:crypto";
import type { AwsCredentials } from "./aws-credentials.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";

/** A request to be signed. */
export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  /** All of these are signed, and `Host` and `X-Amz-Date` beside them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What a signature is for. */
export interface SigningScope {
  /** As in `us-east-1`. */
  readonly region: string;
  /** As in `ec2`. */
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The headers to add to a request: date, session token and signature. The request must then go out as it was signed. */
export function signedHeaders(
  request: SignableRequest,
  credentials: AwsCredentials,
  { region, service, now }: SigningScope,
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const added: Record<string, string> = { "X-Amz-Date": time };
  if (credentials.sessionToken !== "") added["X-Amz-Security-Token"] = credentials.sessionToken;
  const { canonical, names } = canonicalRequest(request, added);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = `${ALGORITHM}\n${time}\n${scope}\n${sha256(canonical)}`;
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`;
  for (const part of [day, region, service, "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const credential = `${credentials.accessKeyId}/${scope}`;
  return {
    ...added,
    Authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function canonicalRequest(
  { method, url, headers, body }: SignableRequest,
  added: Readonly<Record<string, string>>,
): { canonical: string; names: string } {
  const signed = new Map<string, string>([["host", url.host]]);
  for (const [name, value] of Object.entries({ ...headers, ...added })) {
    signed.set(name.toLowerCase(), value.trim().replace(/ +/g, " "));
  }
  const sorted = [...signed].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = sorted.map(([name]) => name).join(";");
  const canonical = [
    method,
    // The path stands encoded in the request already; all services but S3 want it encoded once more.
    url.pathname.split("/").map(uriEncoded).join("/"),
    canonicalQuery(url),
    ...sorted.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    sha256(body),
  ].join("\n");
  return { canonical, names };
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [uriEncoded(name), uriEncoded(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** RFC 3986: everything but letters, digits and `-._~`. */
function uriEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
