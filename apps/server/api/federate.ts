// `GET /federate`: what another server scrapes of this one.
import { Counter, type Registry } from "@narthex/client";
import { ParseError, parseMetricSelector } from "@narthex/promql";
import type { Logger } from "@narthex/toolkit";
import type { QueryService } from "../query/query-service.ts";
import type { Call } from "../web/call.ts";
import { negotiateFederation } from "./federate-format.ts";

export interface FederationOptions {
  readonly queries: () => QueryService;
  /** Sorted name, value pairs, as configured now. */
  readonly externalLabels: () => readonly string[];
  readonly lookbackDeltaMs: number;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

export class Federation {
  readonly #options: FederationOptions;
  readonly #errors: Counter;

  constructor(options: FederationOptions) {
    this.#options = options;
    const registers = [options.registry];
    this.#errors = new Counter({
      name: "prometheus_web_federation_errors_total",
      help: "Total number of errors that occurred while sending federation responses.",
      registers,
    });
    new Counter({
      name: "prometheus_web_federation_warnings_total",
      help: "Total number of warnings that occurred while sending federation responses.",
      registers,
    });
  }

  async handle(call: Call): Promise<void> {
    const { queries, externalLabels, lookbackDeltaMs, logger, now } = this.#options;
    const selectors = call.params.all("match[]");
    try {
      for (const selector of selectors) parseMetricSelector(selector);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      call.refuse(400, error.message);
      return;
    }
    const { form, escaping, contentType } = negotiateFederation(call.request.headers.accept);
    const maxTime = now();
    const answer = call.stream({ contentType });
    try {
      await queries().run(
        {
          kind: "federate",
          selectors,
          minTime: maxTime - lookbackDeltaMs,
          maxTime,
          form,
          escaping,
          externalLabels: externalLabels(),
        },
        answer,
        call,
      );
      answer.end();
    } catch (error) {
      this.#errors.inc();
      logger.error("federation failed", { err: (error as Error).message });
      if (answer.started || call.response.destroyed) answer.break();
      else call.refuse(500, (error as Error).message);
    }
  }
}
