// What all integrations do in the same way: expanding templates, posting JSON, judging answers.
import { readFileSync } from "node:fs";
import { goDuration, type HttpClientConfig, type Logger } from "@narthex/toolkit";
import { type Alert, isResolvedAt } from "../../alert/alert.ts";
import type { Clock } from "../../clock.ts";
import { Moment } from "../../moment/moment.ts";
import { type TemplateData, templateData } from "../../template/data.ts";
import { goJson } from "../../template/go-json.ts";
import type { TemplateSet } from "../../template/template-set.ts";
import { type Answer, DEADLINE, type Delivery } from "../delivery.ts";
import { type HttpAnswer, HttpClient } from "../http-client.ts";
import { type FailureOptions, NotifyError, reasonOfStatus } from "../reason.ts";

/** What every integration is made with. */
export interface NotifierEnvironment {
  readonly templates: TemplateSet;
  readonly externalUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The dot of the integration's templates. */
export function dataOf(environment: NotifierEnvironment, delivery: Delivery, alerts: readonly Alert[]): TemplateData {
  const now = Moment.fromMs(environment.clock.now());
  return templateData({
    receiver: delivery.receiver,
    groupLabels: delivery.groupLabels,
    routeLabels: delivery.routeLabels,
    reason: delivery.reason,
    alerts,
    isResolved: (alert) => isResolvedAt(alert, now),
    externalUrl: environment.externalUrl,
  });
}

/** Expands templates over one notification's data. */
export type Expand = (source: string) => string;

export function expander({ templates }: NotifierEnvironment, data: TemplateData): Expand {
  return (source) => templates.text(source, data);
}

/** The same, but a template that fails is reported, and it and all after it come out empty: part of a message is better than none. */
export function lenientExpander(environment: NotifierEnvironment, data: TemplateData): Expand {
  const expand = expander(environment, data);
  let hasFailed = false;
  return (source) => {
    if (hasFailed) return "";
    try {
      return expand(source);
    } catch (error) {
      hasFailed = true;
      environment.logger.error("Expanding a template failed, the message is sent without it and what follows it", {
        receiver: data.Receiver,
        err: (error as Error).message,
      });
      return "";
    }
  };
}

export function htmlExpander({ templates }: NotifierEnvironment, data: TemplateData): Expand {
  return (source) => templates.html(source, data);
}

/** How an integration's requests are sent and judged. */
export interface SendOptions {
  readonly method?: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** Statuses besides 5xx that are worth another attempt. */
  readonly retryStatuses?: readonly number[];
  /** What to say of an answer that is no success, in place of its text. */
  readonly details?: (status: number, text: string) => string;
  /** Milliseconds; 0 for none but the flush's. */
  readonly timeoutMs?: number;
  /** What has the timeout, for its message. */
  readonly timeoutName?: string;
  /** Put in front of messages about the answer. */
  readonly messagePrefix?: string;
}

/** Sends requests to one service. */
export class Sender {
  readonly #client: HttpClient;
  readonly #clock: Clock;

  constructor(config: HttpClientConfig, clock: Clock) {
    this.#client = new HttpClient(config);
    this.#clock = clock;
  }

  /** Posts a value as JSON, as Go's encoder writes it. Rejects with a `NotifyError` for anything but a 2xx answer. */
  postJson(url: string, value: unknown, delivery: Delivery, options: SendOptions = {}): Promise<HttpAnswer> {
    return this.send(url, `${goJson(value)}\n`, delivery, { contentType: "application/json", ...options });
  }

  async send(
    url: string,
    body: string | undefined,
    delivery: Delivery,
    options: SendOptions = {},
  ): Promise<HttpAnswer> {
    const answer = await this.exchange(url, body, delivery, options);
    const { status, text } = answer;
    if (status >= 200 && status < 300) return answer;
    const details = options.details === undefined ? text : options.details(status, text);
    const message = `${options.messagePrefix ?? ""}unexpected status code ${status}${details === "" ? "" : `: ${details}`}`;
    const retry = (status >= 500 && status < 600) || options.retryStatuses?.includes(status) === true;
    throw new NotifyError(message, { retry, reason: reasonOfStatus(status) });
  }

  /** Resolves to whatever is answered. Rejects with a `NotifyError` worth another attempt when nothing is. */
  async exchange(
    url: string,
    body: string | undefined,
    { signal, span }: Delivery,
    { method = "POST", headers = {}, contentType, timeoutMs = 0, timeoutName = "" }: SendOptions = {},
  ): Promise<HttpAnswer> {
    const limit = new AbortController();
    const timer =
      timeoutMs > 0
        ? this.#clock.after(timeoutMs, () =>
            limit.abort(`${DEADLINE}: configured ${timeoutName} timeout reached (${goDuration(timeoutMs)})`),
          )
        : undefined;
    const all: Record<string, string> = {
      ...(contentType === undefined ? {} : { "Content-Type": contentType }),
      ...headers,
    };
    span?.tell(all);
    try {
      return await this.#client.send({
        method,
        url,
        signal: timer === undefined ? signal : AbortSignal.any([signal, limit.signal]),
        headers: all,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw new NotifyError((error as Error).message, { retry: true, cause: error });
    } finally {
      timer?.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}

export function answerOf({ status, text }: HttpAnswer): Answer {
  return { status, text };
}

/** Cuts a text to so many characters, the last of which is an ellipsis then. */
export function cutRunes(text: string, max: number): string {
  if (text.length <= max) return text;
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join("")}…`;
}

/** The same for bytes of UTF-8. */
export function cutBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  let bytes = 0;
  let kept = "";
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > max - 3) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Reads a file of a secret. Throws a `NotifyError` that begins with `what`; nobody's other attempt would find it. */
export function readSecretFile(path: string, what: string, trims: boolean = true): string {
  try {
    const text = readFileSync(path, "utf8");
    return trims ? text.trim() : text;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file or directory" : message;
    throw new NotifyError(`${what}open ${path}: ${reason}`, { cause: error });
  }
}

/** Runs, and says what was being done when that throws: a `NotifyError` that begins with `what`, or the one that it threw itself. */
export function explained<T>(what: string, run: () => T, options: FailureOptions = {}): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof NotifyError) throw error;
    throw new NotifyError(`${what}: ${(error as Error).message}`, { ...options, cause: error });
  }
}

/** For `omitempty` of Go's JSON: nothing in place of an empty text, false, 0 or an empty list. */
export function orNone<T>(value: T): T | undefined {
  const isEmpty = value === "" || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
  return isEmpty ? undefined : value;
}

/** Whether all that is told is over. */
export function allResolved(data: TemplateData): boolean {
  return data.Status === "resolved";
}
