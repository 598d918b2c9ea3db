// Answering scrapers over node:http.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "@narthex/client";
import { httpHandler } from "@narthex/client/node";
import { pageOf } from "../exposition.ts";

/** Answers a scraper in the format and compression that it asks for; 500 with the reason when a collector fails. */
export async function answerMetrics(
  registries: readonly Registry[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await httpHandler({ registry: pageOf(() => registries), errorHandling: "throw" })(request, response);
  } catch (error) {
    response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" });
    response.end(`collecting metrics failed: ${(error as Error).message}\n`);
  }
}
