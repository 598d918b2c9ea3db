/** The Alertmanager's API: what it answers, and how it is asked. The page stands at the root of its address, so all paths are relative. */
import { type Answer, ApiError, type AskOptions, type Parameters } from "../api/client.ts";
import { type Asked, useAnswer } from "../api/use-answer.ts";
import type { LabelMap } from "../format/labels.ts";
import type { TimeInterval } from "./schedule.ts";

export type AlertState = "active" | "suppressed" | "unprocessed";

export interface Alert {
  readonly labels: LabelMap;
  readonly annotations: LabelMap;
  readonly fingerprint: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly updatedAt: string;
  readonly generatorURL?: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly status: {
    readonly state: AlertState;
    readonly silencedBy: readonly string[];
    readonly inhibitedBy: readonly string[];
    readonly mutedBy: readonly string[];
  };
}

export interface AlertGroup {
  readonly labels: LabelMap;
  readonly receiver: { readonly name: string };
  readonly alerts: readonly Alert[];
}

export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual?: boolean;
}

export interface PostableSilence {
  readonly id?: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations?: LabelMap;
}

export interface Silence extends PostableSilence {
  readonly id: string;
  readonly updatedAt: string;
  readonly status: { readonly state: "active" | "pending" | "expired" };
}

/** A silence that comes again, as `narthex/recurring-silences` has it. */
export interface RecurringSilence {
  readonly id: string;
  /** As text, `{job="x"}`. */
  readonly matchers: string;
  readonly timeIntervals: readonly TimeInterval[];
  readonly createdBy: string;
  readonly comment: string;
}

export interface Status {
  readonly cluster: {
    readonly name?: string;
    readonly status: string;
    readonly peers?: readonly { readonly name: string; readonly address: string }[];
  };
  readonly config: { readonly original: string };
  readonly uptime: string;
  readonly versionInfo: Readonly<Record<string, string>>;
}

/** A node of the routing tree, as `narthex/routes` answers. */
export interface RouteNode {
  readonly id: string;
  readonly matchers: string;
  readonly receiver: string;
  readonly continues: boolean;
  readonly groupBy: readonly string[];
  readonly groupWaitSeconds: number;
  readonly groupIntervalSeconds: number;
  readonly repeatIntervalSeconds: number;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly routes: readonly RouteNode[];
}

/** What trying out a receiver came to, as `narthex/receivers/NAME/test` answers. */
export interface ReceiverTest {
  readonly receiver: string;
  readonly integrations: readonly {
    readonly integration: string;
    readonly outcome: "sent" | "failed";
    readonly answer?: { readonly status: number; readonly text: string };
    readonly error?: string;
  }[];
}

export interface NotificationRecord {
  readonly id: number;
  readonly receiver: string;
  readonly integration: string;
  readonly groupKey: string;
  readonly groupLabels: LabelMap;
  readonly reason: string;
  readonly firing: number;
  readonly resolved: number;
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly outcome: "pending" | "sent" | "failed";
  readonly attempts: number;
  readonly failures: readonly { readonly at: string; readonly error: string }[];
  readonly answer?: { readonly status: number; readonly text: string };
  readonly error?: string;
}

/** Why one alert is told to whom. */
export interface Why {
  readonly fingerprint: string;
  readonly inhibition?: { readonly ruleName?: string; readonly source: string; readonly sourceLabels?: LabelMap };
  readonly silences: readonly {
    readonly id: string;
    readonly createdBy: string;
    readonly comment: string;
    readonly endsAt: string;
  }[];
  readonly routes: readonly {
    readonly receiver: string;
    readonly path: readonly string[];
    readonly obstacle?: string;
    readonly explanation: string;
    readonly mutedByIntervals: readonly string[];
    readonly groupKey?: string;
    readonly groupSize?: number;
    readonly nextFlush?: string;
    readonly repeatIntervalSeconds: number;
    readonly integrations?: readonly {
      readonly integration: string;
      readonly lastNotified?: string;
      readonly repeatsAfter?: string;
      readonly lastRecord?: NotificationRecord;
    }[];
  }[];
}

const BASE = new URL("./api/v2/", document.baseURI);

/** Asks `api/v2/PATH`. Throws ApiError for every refusal, and the signal's AbortError when called off. */
export async function askAlertmanager<T>(
  path: string,
  parameters: Parameters = {},
  options: AskOptions = {},
): Promise<Answer<T>> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const one of typeof value === "object" ? value : [value]) search.append(name, String(one));
  }
  const started = performance.now();
  const data = await call<T>("GET", `${path}${search.size === 0 ? "" : `?${search}`}`, undefined, options.signal);
  return { data, warnings: [], infos: [], loadMs: performance.now() - started };
}

/** Asks for a change. */
export function changeAlertmanager<T>(method: "POST" | "DELETE", path: string, body?: object): Promise<T> {
  return call<T>(method, path, body, undefined);
}

/** `useAnswer` for this API. */
export function useAlertmanager<T>(path: string | null, parameters: Parameters = {}, refreshMs = 0): Asked<T> {
  return useAnswer<T>(path, parameters, refreshMs, askAlertmanager);
}

async function call<T>(
  method: string,
  path: string,
  body: object | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL(path, BASE), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      signal: signal ?? null,
      credentials: "same-origin",
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError("network", "Network error or unable to reach the Alertmanager");
  }
  const value = parsed(text);
  if (response.ok) {
    if (value === undefined && text.trim() !== "")
      throw new ApiError("unreadable", "Invalid JSON response", response.status);
    return value as T;
  }
  throw new ApiError("answer", refusal(value, text, response), response.status);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Refusals are a JSON text, an object with a message, or plain text. */
function refusal(value: unknown, text: string, response: Response): string {
  if (typeof value === "string") return value;
  const message = (value as { message?: unknown } | undefined)?.message;
  if (typeof message === "string") return message;
  const first = text.trim().split("\n", 1)[0]!.slice(0, 200);
  return first || `The Alertmanager answered ${response.status} ${response.statusText}`;
}
