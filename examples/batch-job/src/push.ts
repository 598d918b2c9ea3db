// Pushing a registry to a Pushgateway.
import type { Registry } from "@narthex/client";

/** A gateway that does not answer must not keep the job. */
const TIMEOUT_MS = 10_000;

/**
 * Pushes everything to one group. `replaces` drops what the group had before (PUT), else only metrics of the same names are replaced
 * (POST). Rejects with the gateway's reason.
 */
export async function pushMetrics(
  gateway: string,
  group: Readonly<Record<"job", string> & Record<string, string>>,
  register: Registry,
  replaces: boolean,
): Promise<void> {
  const { job, ...others } = group;
  const path = [["job", job], ...Object.entries(others)]
    .map(([name, value]) => segment(name as string, value as string))
    .join("/");
  const answer = await fetch(`${gateway.replace(/\/$/, "")}/metrics/${path}`, {
    method: replaces ? "PUT" : "POST",
    headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
    body: await register.metrics(),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const reason = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${reason.trim()}`);
}

/** A label in a path; in base64 where a path could not carry its value. */
function segment(name: string, value: string): string {
  if (/^[\w-][\w.-]*$/.test(value)) return `${name}/${value}`;
  return `${name}@base64/${value === "" ? "=" : Buffer.from(value, "utf8").toString("base64url")}`;
}
