// Answering scrapers over node:http.
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Registry } from "@narthex/client";
import { exposeAll } from "../exposition.ts";

const gzipLater = promisify(gzip);
/** Smaller pages are not worth it. */
const MIN_GZIP_BYTES = 1024;

/** A page, compressed if the scraper takes that. */
export interface EncodedPage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The registries' metrics as these request headers ask for them. */
export async function encodedPage(
  registries: readonly Registry[],
  headers: { readonly accept?: string | undefined; readonly "accept-encoding"?: string | string[] | undefined },
): Promise<EncodedPage> {
  const { contentType, body } = await exposeAll(registries, headers.accept);
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : Buffer.from(body);
  const takesGzip = /(^|,)\s*gzip\s*(;(?!\s*q=0(\.0*)?\s*(,|$))|,|$)/.test(String(headers["accept-encoding"] ?? ""));
  if (!takesGzip || bytes.length < MIN_GZIP_BYTES)
    return { headers: { "Content-Type": contentType, Vary: "Accept, Accept-Encoding" }, body: bytes };
  return {
    headers: { "Content-Type": contentType, "Content-Encoding": "gzip", Vary: "Accept, Accept-Encoding" },
    body: await gzipLater(bytes, { level: 1 }),
  };
}

/** Answers a scraper; 500 with the reason when a collector fails. */
export async function answerMetrics(
  registries: readonly Registry[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { headers, body } = await encodedPage(registries, request.headers);
    response.writeHead(200, { ...headers, "Content-Length": body.length });
    response.end(request.method === "HEAD" ? undefined : body);
  } catch (error) {
    if (!response.headersSent) response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" });
    response.end(`collecting metrics failed: ${(error as Error).message}\n`);
  }
}
