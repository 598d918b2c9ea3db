// What token endpoints answer. Source: RFC 6749, 5.1 and 5.2.
import { type ApiAnswer, type ApiRequest, objectOf, statusError, textOf } from "@narthex/toolkit";
import type { FreshToken } from "./token-cache.ts";

/** Without a lifetime in the answer. */
const STANDARD_LIFETIME_SECONDS = 3600;

/** Reads the token of an answer. Throws when it holds none; what the endpoint says of that goes into the message. */
export function tokenOf(answer: ApiAnswer, request: ApiRequest): FreshToken {
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch {
    value = undefined;
  }
  if (answer.status !== 200) {
    const reason = typeof value === "object" && value !== null ? value : {};
    const { error, error_description: description } = reason as Record<string, unknown>;
    if (typeof error !== "string") throw statusError(answer, request);
    const detail = typeof description === "string" ? `: ${description.split(/\r?\n/)[0]}` : "";
    throw new Error(`token refused by ${request.url.host}: ${error}${detail}`.slice(0, 500));
  }
  const fields = objectOf(value, "token answer");
  const token = textOf(fields["access_token"], "access_token");
  if (token === "") throw new Error(`answer of ${request.url.host} holds no access_token`);
  // Some say the lifetime as text.
  const seconds = Number(fields["expires_in"] ?? STANDARD_LIFETIME_SECONDS);
  const lifetimeMs = (seconds > 0 ? seconds : STANDARD_LIFETIME_SECONDS) * 1000;
  return { token, lifetimeMs };
}
