// Pushes and deletions: from a request to a change of the store.
import type { Logger } from "@narthex/toolkit";
import { parseDuration } from "@narthex/toolkit";
import { IntakeError } from "../format/intake-error.ts";
import type { OwnMetrics } from "../own-metrics.ts";
import { type GroupingKey, type KeyRules, parseGroupingKey } from "../push/grouping-key.ts";
import type { BodyReader } from "../push/intake.ts";
import type { WriteRequest, WriteVerdict } from "../store/metric-store.ts";
import { QueueFullError } from "../store/write-queue.ts";
import type { Exchange } from "./answer.ts";
import type { PushTarget } from "./routes.ts";

/** The header in which a push says how long its group lives, where --push.enable-ttl allows that. */
export const TTL_HEADER = "narthex-ttl";

export interface PushOptions {
  readonly bodies: BodyReader;
  readonly submit: (request: WriteRequest) => Promise<WriteVerdict>;
  readonly keyRules: KeyRules;
  /** False answers 202 before anything was looked at, as the reference does. */
  readonly checks: boolean;
  /** Whether a push may say how long its group lives. */
  readonly allowsTtl: boolean;
  readonly metrics: OwnMetrics;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const INCONSISTENT = "pushed metrics are invalid or inconsistent with existing metrics";
const RETRY_AFTER_SECONDS = "1";

export class PushHandlers {
  readonly #options: PushOptions;

  constructor(options: PushOptions) {
    this.#options = options;
  }

  /** PUT with `replaces`, POST without. */
  async push(exchange: Exchange, target: PushTarget, replaces: boolean): Promise<void> {
    const { metrics, now } = this.#options;
    const started = performance.now();
    try {
      await this.#push(exchange, target, replaces, now());
    } finally {
      const { request, response } = exchange;
      const size = requestBytes(exchange) + Number(request.headers["content-length"] ?? 0);
      metrics.countPush(exchange.method, size, (performance.now() - started) / 1000);
      metrics.countRequest("push", response.statusCode, exchange.method);
    }
  }

  async delete(exchange: Exchange, target: PushTarget): Promise<void> {
    const grouping = this.#groupingOf(exchange, target);
    if (grouping !== undefined) {
      try {
        await this.#options.submit({ kind: "delete", grouping });
        exchange.status(202);
      } catch (error) {
        this.#refuseBusy(exchange, error);
      }
    }
    this.#options.metrics.countRequest("delete", exchange.response.statusCode, exchange.method);
  }

  async #push(exchange: Exchange, target: PushTarget, replaces: boolean, timeMs: number): Promise<void> {
    const { bodies, submit, checks, logger } = this.#options;
    const grouping = this.#groupingOf(exchange, target);
    if (grouping === undefined) return;
    let verdict: Promise<WriteVerdict>;
    try {
      const ttlMs = this.#ttlOf(exchange);
      const { families, release } = await bodies.read(exchange.request);
      verdict = submit({ kind: "push", grouping, families, replaces, timeMs, ttlMs }).finally(release);
    } catch (error) {
      if (!(error instanceof IntakeError)) {
        // The client went away: there is nobody to answer.
        logger.debug("a push broke off", { source: sourceOf(exchange), err: (error as Error).message });
        exchange.response.destroy();
        return;
      }
      logger.debug("failed to parse a push", { source: sourceOf(exchange), err: error.message });
      if (error.status === 503) exchange.response.setHeader("Retry-After", RETRY_AFTER_SECONDS);
      exchange.refuse(error.status, error.message);
      return;
    }
    try {
      if (!checks) {
        verdict.then(
          (done) => this.#report(exchange, done),
          (error: Error) => logger.error("a push failed", { err: error }),
        );
        exchange.status(202);
        return;
      }
      this.#answer(exchange, await verdict);
    } catch (error) {
      this.#refuseBusy(exchange, error);
    }
  }

  #answer(exchange: Exchange, verdict: WriteVerdict): void {
    this.#report(exchange, verdict);
    if (verdict.outcome === "done") exchange.status(200);
    else if (verdict.outcome === "full") exchange.refuse(507, verdict.problems[0] as string);
    else exchange.refuse(400, `${INCONSISTENT}: ${listed(verdict.problems)}`);
  }

  #report(exchange: Exchange, { outcome, problems }: WriteVerdict): void {
    if (outcome === "done") return;
    const { logger } = this.#options;
    logger.error(outcome === "full" ? "a push did not fit" : INCONSISTENT, {
      method: exchange.method,
      source: sourceOf(exchange),
      err: listed(problems),
    });
  }

  #refuseBusy(exchange: Exchange, error: unknown): void {
    if (!(error instanceof QueueFullError)) throw error;
    exchange.response.setHeader("Retry-After", RETRY_AFTER_SECONDS);
    exchange.refuse(503, error.message);
  }

  /** Undefined once the request is answered. */
  #groupingOf(exchange: Exchange, target: PushTarget): GroupingKey | undefined {
    const verdict = parseGroupingKey(target.job, target.isBase64, target.rest, this.#options.keyRules);
    if (!("message" in verdict)) return verdict;
    this.#options.logger.debug("failed to parse URL", { url: exchange.request.url ?? "", err: verdict.message });
    exchange.refuse(400, verdict.message);
    return undefined;
  }

  /** Milliseconds, as the push asks for them; undefined when it does not. Throws an `IntakeError`. */
  #ttlOf({ request }: Exchange): number | undefined {
    if (!this.#options.allowsTtl) return undefined;
    const query = new URL(request.url ?? "/", "http://gateway").searchParams.get("ttl");
    const text = request.headers[TTL_HEADER] ?? query ?? undefined;
    if (text === undefined) return undefined;
    try {
      return parseDuration(String(text));
    } catch (error) {
      throw new IntakeError(`invalid ttl: ${(error as Error).message}`);
    }
  }
}

/** Problems beyond this many are counted only. */
const MAX_LISTED = 100;

/** Problems as the reference lists them. */
export function listed(problems: readonly string[]): string {
  if (problems.length === 1) return problems[0] as string;
  const shown = problems.slice(0, MAX_LISTED).map((problem) => `\n* ${problem}`);
  const rest = problems.length > MAX_LISTED ? `\n* and ${problems.length - MAX_LISTED} more` : "";
  return `${problems.length} error(s) occurred:${shown.join("")}${rest}`;
}

/** What the head of a request takes on the wire, roughly. */
function requestBytes({ request }: Exchange): number {
  let bytes = (request.method ?? "").length + (request.url ?? "").length + "HTTP/1.1".length;
  for (const text of request.rawHeaders) bytes += text.length;
  return bytes;
}

function sourceOf({ request }: Exchange): string {
  return `${request.socket.remoteAddress ?? ""}:${request.socket.remotePort ?? ""}`;
}
