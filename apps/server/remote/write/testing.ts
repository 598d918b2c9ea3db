// For tests of remote write: series tables from plain objects, configurations, and a receiver that does as it is told.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { ByteWriter, uncompress } from "@narthex/encoding";
import { Labels } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { beginSeries, encodeSamples, encodeSeries, MemoryFs, SeriesRecordCursor, WalWriter } from "@narthex/tsdb";
import { loadConfig } from "../../config/index.ts";
import type { RemoteWriteConfig } from "../../config/types.ts";
import { Relabeler } from "../../relabel/index.ts";
import { decodeProto } from "../proto-fixture.ts";
import { LabelProcessor } from "./series-labels.ts";
import { SeriesTable } from "./series-table.ts";
import type { AppendedCounts } from "./write-queue.ts";

/** A series record as the log has it, by ref. */
export function seriesRecord(series: Readonly<Record<number, Readonly<Record<string, string>>>>): ByteWriter {
  const record = new ByteWriter();
  beginSeries(record);
  for (const [ref, labels] of Object.entries(series)) encodeSeries(record, Number(ref), Labels.fromObject(labels));
  return record;
}

/** A table that knows the given series, by ref. */
export function seriesTable(
  form: "labels" | "symbols",
  series: Readonly<Record<number, Readonly<Record<string, string>>>>,
  processor: LabelProcessor = new LabelProcessor([], new Relabeler([])),
): SeriesTable {
  const table = new SeriesTable({ form, processor });
  addSeries(table, series, 0);
  return table;
}

export function addSeries(
  table: SeriesTable,
  series: Readonly<Record<number, Readonly<Record<string, string>>>>,
  segment: number,
): void {
  const { bytes, length } = seriesRecord(series);
  const cursor = new SeriesRecordCursor(bytes, 0, length);
  while (cursor.next()) table.add(cursor, segment);
}

/** One `remote_write` entry; `yaml` are further keys. */
export function writeConfig(url: string, yaml = ""): RemoteWriteConfig {
  const text = `remote_write:\n  - url: ${url}\n${yaml.replace(/^(?=.)/gm, "    ")}\n`;
  return loadConfig(text, "prometheus.yml", { logger: silentLogger }).remoteWrite[0] as RemoteWriteConfig;
}

/** A request as a receiver got it. */
export interface ReceivedRequest {
  readonly headers: http.IncomingHttpHeaders;
  /** Uncompressed. */
  readonly body: Uint8Array;
}

/** What a fake receiver answers: a status, and headers and a body where wanted. "hang" never answers, "cut" breaks the connection. */
export type Answer =
  | number
  | "hang"
  | "cut"
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

/** A receiver on loopback. */
export class FakeReceiver {
  readonly requests: ReceivedRequest[] = [];
  /** Called for each request, before it is noted. */
  answer: (request: ReceivedRequest, number: number) => Answer = () => 204;
  /** How long it takes to answer. */
  delayMs = 0;
  readonly #server = http.createServer((request, response) => void this.#receive(request, response));
  #seen = 0;

  /** `test` closes it at the end. */
  static async start(test: { after(work: () => void): void }, port = 0): Promise<FakeReceiver> {
    const receiver = new FakeReceiver();
    await receiver.listen(port);
    test.after(() => receiver.close());
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/receive`;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Time and value of all samples of version 1.0 that were taken, by series, in the order in which they came. */
  samplesV1(): Map<string, [t: number, value: number][]> {
    const found = new Map<string, [number, number][]>();
    for (const { body } of this.requests) {
      const { timeseries } = decodeProto<{
        timeseries: { labels: { name: string; value: string }[]; samples: { value?: number; timestamp?: number }[] }[];
      }>("WriteRequest", body);
      for (const { labels, samples } of timeseries) {
        const key = labels.map(({ name, value }) => `${name}=${value}`).join();
        const list = found.get(key) ?? [];
        found.set(key, list);
        for (const { timestamp = 0, value = 0 } of samples) list.push([timestamp, value]);
      }
    }
    return found;
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    } catch {
      return;
    }
    const compressed = Buffer.concat(pieces);
    const received = { headers: request.headers, body: uncompress(compressed, 1 << 26) };
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const answer = this.answer(received, this.#seen++);
    if (answer === "hang") return;
    if (answer === "cut") {
      request.socket.destroy();
      return;
    }
    const { status, headers = {}, body = "" } = typeof answer === "number" ? { status: answer } : answer;
    if (status >= 200 && status < 300) this.requests.push(received);
    response.writeHead(status, headers);
    response.end(body);
  }
}

/** A record of floats. */
export function samplesRecord(samples: readonly (readonly [ref: number, t: number, value: number])[]): ByteWriter {
  const record = new ByteWriter();
  const values = Float64Array.from(samples, ([, , value]) => value);
  const refs = Float64Array.from(samples, ([ref]) => ref);
  const times = Float64Array.from(samples, ([, t]) => t);
  encodeSamples(record, refs, times, new Uint32Array(values.buffer), 0, samples.length);
  return record;
}

/** A log in memory, written record by record. */
export class TestLog {
  readonly fs: MemoryFs = new MemoryFs();
  readonly feed: WalWriter;
  #appended = 0;
  #highest = 0;

  constructor(segmentBytes?: number) {
    this.feed = WalWriter.open(this.fs, "data/wal", segmentBytes === undefined ? {} : { segmentBytes });
  }

  get appended(): AppendedCounts {
    return { samples: this.#appended, histograms: 0, exemplars: 0, highestSeconds: Math.floor(this.#highest / 1000) };
  }

  series(series: Readonly<Record<number, Readonly<Record<string, string>>>>): void {
    this.record(seriesRecord(series));
  }

  /** One record of floats. */
  samples(...samples: readonly (readonly [ref: number, t: number, value: number])[]): void {
    this.#appended += samples.length;
    for (const [, t] of samples) this.#highest = Math.max(this.#highest, t);
    this.record(samplesRecord(samples));
  }

  record({ bytes, length }: ByteWriter): void {
    this.feed.log(bytes, length);
    this.feed.flush();
  }
}
