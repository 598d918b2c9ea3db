// `query instant` and `query range`: asks a server through its API and prints what it answers.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Labels } from "@narthex/model";
import { type FlagNames, type ParsedArguments, parseArguments, UsageError } from "./arguments.ts";
import type { ToolEnvironment } from "./tool.ts";

const FLAGS: FlagNames = {
  values: ["format", "time", "start", "end", "step", "header"],
  short: { o: "format" },
};
const TIMEOUT_MS = 120_000;
/** Answers larger than this are refused. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;
/** Range of a range query without `--start`. */
const DEFAULT_RANGE_SECONDS = 300;

type Point = readonly [time: number, value: unknown];

interface Series {
  readonly metric: Record<string, string>;
  readonly value?: Point;
  readonly histogram?: Point;
  readonly values?: readonly Point[];
  readonly histograms?: readonly Point[];
}

interface Answer {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

/** `query instant SERVER EXPR` */
export function queryInstant(argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const given = parseArguments(argv, FLAGS);
  const { server, expr } = target(given);
  const time = given.value("time") ?? String(environment.now() / 1000);
  return ask(server, "query", { query: expr, time }, given, environment);
}

/** `query range SERVER EXPR`: the last five minutes by default, with about 250 steps. */
export function queryRange(argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const given = parseArguments(argv, FLAGS);
  const { server, expr } = target(given);
  const end = given.value("end") ?? String(environment.now() / 1000);
  const start = given.value("start") ?? String(seconds(end) - DEFAULT_RANGE_SECONDS);
  if (seconds(end) < seconds(start)) throw new UsageError("start time is not before end time");
  const step = given.value("step") ?? String(Math.max(1, Math.floor((seconds(end) - seconds(start)) / 250)));
  return ask(server, "query_range", { query: expr, start, end, step }, given, environment);
}

function target({ words }: ParsedArguments): { server: URL; expr: string } {
  const [address, expr, extra] = words;
  if (address === undefined) throw new UsageError("required argument 'server' not provided");
  if (expr === undefined) throw new UsageError("required argument 'expr' not provided");
  if (extra !== undefined) throw new UsageError(`unexpected ${extra}`);
  return { server: serverUrl(address), expr };
}

/** The URL of a server, with or without its scheme. Throws `UsageError`. */
export function serverUrl(address: string): URL {
  let server: URL;
  try {
    server = new URL(address.includes("://") ? address : `http://${address}`);
  } catch {
    throw new UsageError(`parse ${JSON.stringify(address)}: no valid URL`);
  }
  if (server.protocol !== "http:" && server.protocol !== "https:") {
    throw new UsageError(`unsupported protocol scheme ${JSON.stringify(server.protocol.slice(0, -1))}`);
  }
  return server;
}

/** A time as the API takes it: seconds, or a date of RFC 3339. */
function seconds(text: string): number {
  const number = Number(text);
  const value = Number.isFinite(number) ? number : Date.parse(text) / 1000;
  if (!Number.isFinite(value)) throw new UsageError(`cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return value;
}

async function ask(
  server: URL,
  endpoint: string,
  parameters: Record<string, string>,
  given: ParsedArguments,
  { out, err }: ToolEnvironment,
): Promise<number> {
  const format = given.value("format") ?? "promql";
  if (format !== "promql" && format !== "json") {
    throw new UsageError(`enum value must be one of promql,json, got '${format}'`);
  }
  const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded" };
  for (const header of given.values("header")) {
    const at = header.indexOf("=");
    if (at < 1) throw new UsageError(`expected KEY=VALUE got '${header}'`);
    headers[header.slice(0, at)] = header.slice(at + 1);
  }
  let answer: Answer;
  try {
    const body = await post(server, endpoint, new URLSearchParams(parameters).toString(), headers);
    answer = JSON.parse(body) as Answer;
  } catch (error) {
    err(`query error: ${(error as Error).message}\n`);
    return 1;
  }
  for (const warning of answer.warnings ?? []) err(`query warning: ${warning}\n`);
  for (const info of answer.infos ?? []) err(`query info: ${info}\n`);
  if (answer.status !== "success" || answer.data === undefined) {
    err(`query error: ${answer.errorType ?? "unknown"}: ${answer.error ?? "no answer of the query API"}\n`);
    return 1;
  }
  const { resultType, result } = answer.data;
  out(`${format === "json" ? JSON.stringify(result) : resultText(resultType, result)}\n`);
  return 0;
}

/** Posts a form to an endpoint below `/api/v1/` and resolves to the answer's body, whatever its status. */
export function post(server: URL, endpoint: string, body: string, headers: Record<string, string>): Promise<string> {
  const url = new URL(server);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/${endpoint}`;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { method: "POST", headers, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) response.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000}s`)));
    request.on("error", reject);
    request.end(body);
  });
}

function resultText(kind: string, result: unknown): string {
  switch (kind) {
    case "scalar":
      return `scalar: ${pointText(result as Point)}`;
    case "string":
      return String((result as Point)[1]);
    case "vector":
      return (result as Series[])
        .map((s) => `${nameOf(s)} => ${pointText((s.value ?? s.histogram) as Point)}`)
        .join("\n");
    default:
      return (result as Series[])
        .map((s) => [`${nameOf(s)} =>`, ...[...(s.values ?? []), ...(s.histograms ?? [])].map(pointText)].join("\n"))
        .join("\n");
  }
}

function nameOf({ metric }: Series): string {
  return Labels.fromObject(metric).toSelector();
}

function pointText([time, value]: Point): string {
  return `${typeof value === "string" ? value : JSON.stringify(value)} @[${time}]`;
}
