// JSON Web Tokens that vouch for whoever asks. Source: RFC 7515, RFC 7519; RS256 alone.
import { createSign } from "node:crypto";

/** `header.payload.signature`, signed with a private key in PEM. Throws for a key that is none. */
export function signedAssertion(
  header: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
  privateKey: string,
): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT", ...header })}.${part(payload)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
}
