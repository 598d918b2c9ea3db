// Speaking to an Alertmanager's API. What it refuses becomes an error in the words of the reference's generated client.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { escapeQuery } from "@narthex/template";
import {
  decodeNode,
  type HttpClientConfig,
  parseYaml,
  requestFailure,
  YamlReader,
  YamlSyntaxError,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../build-info.ts";
import { defaultHttpConfig, httpConfig } from "../config/http.ts";
import { HttpClient } from "../notify/http-client.ts";
import { goJsonString } from "../template/go-json.ts";
import type { AlertAnswer, SilenceAnswer, StatusAnswer } from "./answers.ts";
import type { ServiceAddress } from "./flag-types.ts";
import { ToolError } from "./tool-error.ts";

const DEFAULT_HOST = "localhost:9093";
/** A longer answer is cut off, and then is no JSON any more. Tens of thousands of alerts are some 20 MB. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

/** One call of the API as the reference's client knows it. */
interface Operation {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly name: string;
  /** Refusals that it knows, with their names; `true` for those that come with a text. */
  readonly refusals: Readonly<Record<number, readonly [name: string, hasText: boolean]>>;
}

const BAD: readonly [string, boolean] = ["BadRequest", true];
const INTERNAL: readonly [string, boolean] = ["InternalServerError", true];

const OPERATIONS = {
  getAlerts: { method: "GET", path: "/alerts", name: "getAlerts", refusals: { 400: BAD, 500: INTERNAL } },
  postAlerts: { method: "POST", path: "/alerts", name: "postAlerts", refusals: { 400: BAD, 500: INTERNAL } },
  getSilences: { method: "GET", path: "/silences", name: "getSilences", refusals: { 400: BAD, 500: INTERNAL } },
  postSilences: {
    method: "POST",
    path: "/silences",
    name: "postSilences",
    refusals: { 400: BAD, 404: ["NotFound", true] },
  },
  getSilence: {
    method: "GET",
    path: "/silence/{silenceID}",
    name: "getSilence",
    refusals: { 404: ["NotFound", false], 500: INTERNAL },
  },
  deleteSilence: {
    method: "DELETE",
    path: "/silence/{silenceID}",
    name: "deleteSilence",
    refusals: { 404: ["NotFound", false], 500: INTERNAL },
  },
  getStatus: { method: "GET", path: "/status", name: "getStatus", refusals: {} },
} as const satisfies Record<string, Operation>;

/** The API answered with a refusal. */
export class RefusedError extends ToolError {
  override readonly name = "ToolError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface ApiClientOptions {
  readonly address: ServiceAddress;
  /** "" for none. */
  readonly httpConfigFile: string;
  /** Ask for the server's version first, and say so when it is another one. */
  readonly checksVersion: boolean;
  readonly signal: AbortSignal;
  readonly err: (text: string) => void;
}

/** Parameters in the order in which they are sent; "" is not sent. */
type Query = readonly (readonly [name: string, value: string])[];

export class ApiClient {
  readonly #http: HttpClient;
  readonly #base: string;
  readonly #signal: AbortSignal;
  readonly #credentials: Readonly<Record<string, string>>;

  /** Throws a `ToolError` for an HTTP configuration that cannot be used. */
  private constructor({ address, httpConfigFile, signal }: ApiClientOptions) {
    const { scheme, host, path, username, password } = address;
    if (username !== undefined && httpConfigFile !== "")
      throw new ToolError("basic authentication and http.config.file are mutually exclusive", "\n");
    this.#http = new HttpClient(readHttpConfig(httpConfigFile), process.env, MAX_ANSWER_BYTES);
    this.#base = `${scheme === "" ? "http" : scheme}://${host === "" ? DEFAULT_HOST : host}${`/${path}`.replace(/\/+/g, "/").replace(/\/$/, "")}/api/v2`;
    this.#signal = signal;
    this.#credentials =
      username === undefined
        ? {}
        : { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
  }

  /** Calls `use` with a client and closes it afterwards. */
  static async with<T>(options: ApiClientOptions, use: (client: ApiClient) => Promise<T>): Promise<T> {
    const client = new ApiClient(options);
    try {
      if (options.checksVersion) await client.#compareVersions(options.err);
      return await use(client);
    } finally {
      client.#http.close();
    }
  }

  async alerts(query: Query): Promise<AlertAnswer[]> {
    return (await this.#call(OPERATIONS.getAlerts, { query })) as AlertAnswer[];
  }

  async postAlerts(alerts: readonly object[]): Promise<void> {
    await this.#call(OPERATIONS.postAlerts, { body: alerts, ignoresAnswer: true });
  }

  async silences(filters: readonly string[]): Promise<SilenceAnswer[]> {
    const query = filters.map((filter) => ["filter", filter] as const);
    return (await this.#call(OPERATIONS.getSilences, { query })) as SilenceAnswer[];
  }

  async silence(id: string): Promise<SilenceAnswer> {
    return (await this.#call(OPERATIONS.getSilence, { id })) as SilenceAnswer;
  }

  /** Resolves to the id of the silence that now stands. */
  async postSilence(silence: object): Promise<string> {
    return ((await this.#call(OPERATIONS.postSilences, { body: silence })) as { silenceID: string }).silenceID;
  }

  async expireSilence(id: string): Promise<void> {
    await this.#call(OPERATIONS.deleteSilence, { id, ignoresAnswer: true });
  }

  async status(): Promise<StatusAnswer> {
    return (await this.#call(OPERATIONS.getStatus, {})) as StatusAnswer;
  }

  async #compareVersions(err: (text: string) => void): Promise<void> {
    // No answer is no reason to stop: the call that matters says what is wrong.
    const status = await this.status().catch(() => undefined);
    const theirs = status?.versionInfo?.version;
    if (theirs === undefined || majorMinor(theirs) === majorMinor(COMPATIBLE_VERSION)) return;
    err(`Warning: amtool version (${COMPATIBLE_VERSION}) and alertmanager version (${theirs}) are different.\n`);
  }

  async #call(
    operation: Operation,
    {
      query = [],
      id = "",
      body,
      ignoresAnswer = false,
    }: { query?: Query; id?: string; body?: object; ignoresAnswer?: boolean },
  ): Promise<unknown> {
    const { method, path, name, refusals } = operation;
    const sent = query.filter(([, value]) => value !== "").map(([key, value]) => `${key}=${escapeQuery(value)}`);
    const url = `${this.#base}${path.replace("{silenceID}", encodeURIComponent(id))}${sent.length === 0 ? "" : `?${sent.join("&")}`}`;
    const { status, text } = await this.#send(method, url, body);
    if (status === 200) {
      if (ignoresAnswer) return undefined;
      return parsed(text, `[${method} ${path}] ${name}`);
    }
    const refusal = refusals[status];
    if (refusal === undefined) throw new RefusedError(status, `[${method} ${path}] ${name} (status ${status}): {}`);
    const [suffix, hasText] = refusal;
    const said = hasText ? ` ${goJsonString(textOf(text))}` : "";
    throw new RefusedError(status, `[${method} ${path}][${status}] ${name}${suffix}${said}`);
  }

  async #send(
    method: Operation["method"],
    url: string,
    body: object | undefined,
  ): Promise<{ status: number; text: string }> {
    const verb = method.charAt(0) + method.slice(1).toLowerCase();
    if (!/^https?:/.test(url)) {
      const scheme = url.slice(0, url.indexOf(":"));
      throw new ToolError(`${verb} ${JSON.stringify(url)}: unsupported protocol scheme ${JSON.stringify(scheme)}`);
    }
    try {
      return await this.#http.send({
        method,
        url,
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...this.#credentials,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: this.#signal,
      });
    } catch (error) {
      // The receivers' client hides addresses, as secrets stand in theirs; here the address is what helps.
      const { cause } = error as Error;
      throw new ToolError(`${verb} ${JSON.stringify(url)}: ${requestFailure(cause ?? error)}`, "\n\n", {
        cause: error,
      });
    }
  }
}

function parsed(text: string, operation: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ToolError(`${operation}: the answer is no JSON: is that an Alertmanager's address?`, "\n\n", {
      cause: error,
    });
  }
}

/** Refusals are JSON texts. */
function textOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text.trim();
  } catch {
    return text.trim();
  }
}

function majorMinor(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** The keys of `http_config`, alone in a file. Paths in it are meant from the folder above that of the file, as in the reference. */
function readHttpConfig(file: string): HttpClientConfig {
  if (file === "") return defaultHttpConfig();
  const refuse = (reason: string): never => {
    throw new ToolError(`failed to load HTTP config file: ${reason}`, "\n");
  };
  const reader = new YamlReader(dirname(dirname(file)));
  try {
    const { root } = parseYaml(readFileSync(file, "utf8"));
    if (root === undefined) return defaultHttpConfig();
    const config = decodeNode(httpConfig, root, reader);
    const [problem] = reader.problems;
    if (problem !== undefined) refuse(`${file}:${problem.at.line}:${problem.at.column}: ${problem.message}`);
    return config;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const place = error instanceof YamlSyntaxError ? `:${error.at.line}:${error.at.column}` : "";
    return refuse(`${file}${place}: ${(error as Error).message}`);
  }
}
