// A target's page as it is right now, parsed line by line: a mistake does not hide what stands behind it.
import { Entry, ExpositionError, SampleParser } from "@narthex/exposition";
import type { ScrapeConfig } from "../../config/types.ts";
import { BufferPool } from "../../scrape/buffer-pool.ts";
import { acceptHeader, parserFor } from "../../scrape/content-type.ts";
import { type FetchedBody, HttpClient } from "../../scrape/http-client.ts";
import { ScrapeError } from "../../scrape/scrape-error.ts";

/** Pages larger than this are not read: this is for looking at, by a person. */
const MAX_PAGE_BYTES = 8 << 20;
const MAX_MISTAKES = 100;
/** Characters of a faulty line that are shown. */
const SHOWN_LINE_LENGTH = 200;
/** Entries after which others get their turn. */
const ENTRIES_PER_TURN = 1000;

export interface PageSample {
  /** Counts from 1. */
  readonly line: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
  /** Milliseconds, where the page gives one. */
  readonly timestamp?: number;
}

export interface PageMistake {
  readonly line: number;
  readonly message: string;
  readonly text: string;
}

export interface ScrapedPage {
  /** Why there is no page; "" when there is one. */
  readonly error: string;
  readonly contentType: string;
  readonly bodyBytes: number;
  readonly durationSeconds: number;
  readonly sampleCount: number;
  /** The first ones. */
  readonly samples: readonly PageSample[];
  readonly metadata: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The first hundred. */
  readonly errors: readonly PageMistake[];
}

/** Fetches `url` as the job would, but never as protobuf. Does not reject: what goes wrong is part of the page. */
export async function scrapePage(
  url: URL,
  config: ScrapeConfig,
  maxSamples: number,
  signal: AbortSignal,
): Promise<ScrapedPage> {
  const client = new HttpClient(config.http, new BufferPool());
  const begun = performance.now();
  let contentType = "";
  let bodyBytes = 0;
  let body: FetchedBody | undefined;
  const ended = (error: string, parsed: ParsedPage = NOTHING): ScrapedPage => ({
    error,
    contentType,
    bodyBytes,
    durationSeconds: (performance.now() - begun) / 1000,
    ...parsed,
  });
  try {
    const protocols = config.scrapeProtocols.filter((protocol) => protocol !== "PrometheusProto");
    body = await client.fetch({
      url,
      headers: {
        Accept: acceptHeader(protocols, config.metricNameEscapingScheme),
        "Accept-Encoding": config.enableCompression ? "gzip" : "identity",
      },
      timeoutMs: config.scrapeTimeoutMs,
      bodyLimitBytes: MAX_PAGE_BYTES,
      unixSocket: "",
      signal,
    });
    contentType = body.contentType;
    bodyBytes = body.length;
    const shared = parserFor(contentType, config.fallbackScrapeProtocol);
    if (!(shared instanceof SampleParser)) return ended("the target answered protobuf, which has no lines to show");
    return ended("", await parsePage(shared.another(), body, maxSamples));
  } catch (error) {
    if (error instanceof ScrapeError) return ended(error.message);
    throw error;
  } finally {
    body?.release();
    client.close();
  }
}

type ParsedPage = Pick<ScrapedPage, "sampleCount" | "samples" | "metadata" | "errors">;
const NOTHING: ParsedPage = { sampleCount: 0, samples: [], metadata: {}, errors: [] };

/** Parses a whole page; at a mistake it goes on with the next line. */
export async function parsePage(
  parser: SampleParser,
  { bytes, length }: { readonly bytes: Uint8Array; readonly length: number },
  maxSamples: number,
): Promise<ParsedPage> {
  const lines = new LineCounter(bytes);
  const samples: PageSample[] = [];
  const errors: PageMistake[] = [];
  const metadata = new Map<string, Record<string, string>>();
  let sampleCount = 0;
  const describe = (key: string, value: string): void => {
    const known = metadata.get(parser.family);
    if (known === undefined) metadata.set(parser.family, { [key]: value });
    else known[key] = value;
  };
  parser.reset(bytes, length);
  for (let turn = 1; ; turn++) {
    if (turn % ENTRIES_PER_TURN === 0) await new Promise(setImmediate);
    const before = parser.position;
    let entry: Entry;
    try {
      entry = parser.next();
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error;
      const start = faultyLine(bytes, before, parser.position);
      const found = bytes.indexOf(10, start);
      const end = found < 0 || found > length ? length : found;
      if (errors.length < MAX_MISTAKES)
        errors.push({ line: lines.at(start), message: error.message, text: shownLine(bytes.subarray(start, end)) });
      if (end + 1 >= length) break;
      parser.seek(end + 1);
      continue;
    }
    if (entry === Entry.end) break;
    if (entry === Entry.type) describe("type", parser.metricType);
    else if (entry === Entry.help) describe("help", parser.text);
    else if (entry === Entry.unit) describe("unit", parser.text);
    else if (entry === Entry.sample && sampleCount++ < maxSamples) samples.push(sampleOf(parser, lines));
  }
  return { sampleCount, samples, metadata: Object.fromEntries(metadata), errors };
}

function sampleOf(parser: SampleParser, lines: LineCounter): PageSample {
  const pairs: string[] = [];
  parser.labels(pairs);
  const labels = new Map<string, string>();
  for (let i = 0; i < pairs.length; i += 2) labels.set(pairs[i] as string, pairs[i + 1] as string);
  const { value } = parser;
  return {
    line: lines.at(parser.seriesStart),
    labels: Object.fromEntries(labels),
    value: value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value),
    ...(parser.hasTimestamp ? { timestamp: parser.timestamp } : {}),
  };
}

/** Where the line begins at which the parser stopped; never before `from`, so that reading goes forward. */
function faultyLine(bytes: Uint8Array, from: number, position: number): number {
  // Behind a line break means: it was the break that the parser did not want.
  const inside = position > from && bytes[position - 1] === 10 ? position - 1 : position;
  return Math.max(from, inside === 0 ? 0 : bytes.lastIndexOf(10, inside - 1) + 1);
}

function shownLine(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, SHOWN_LINE_LENGTH)).toString("utf8");
}

/** Numbers of lines, for positions that ascend. */
class LineCounter {
  readonly #bytes: Uint8Array;
  #line = 1;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  at(position: number): number {
    for (; this.#position < position; this.#position++) if (this.#bytes[this.#position] === 10) this.#line++;
    return this.#line;
  }
}
