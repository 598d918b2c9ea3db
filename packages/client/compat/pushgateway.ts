// Pushing to a Pushgateway, with options that go to node:http.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { gzipSync } from "node:zlib";
import { groupingPath } from "../push/grouping.ts";
import { globalRegistry, type Registry } from "./registry.ts";
import type { RegistryContentType } from "./types.ts";

/** What is pushed where. */
export interface PushParameters {
  jobName?: string;
  groupings?: Record<string, string>;
}

/** What the gateway answered. */
export interface PushResult {
  resp: IncomingMessage;
  body: string;
}

/** Options of the request, and whether a job must be named. */
export type PushgatewayOptions = RequestOptions & { requireJobName?: boolean };

/** A gateway and what is pushed to it. */
export class Pushgateway<T extends RegistryContentType = RegistryContentType> {
  readonly registry: Registry<T>;
  readonly gatewayUrl: string;
  readonly requireJobName: boolean;
  readonly requestOptions: RequestOptions;

  constructor(gatewayUrl: string, options?: PushgatewayOptions, registry?: Registry<T>) {
    const { requireJobName = true, ...requestOptions } = options ?? {};
    this.gatewayUrl = gatewayUrl;
    this.registry = registry ?? (globalRegistry as Registry<T>);
    this.requireJobName = requireJobName;
    this.requestOptions = requestOptions;
  }

  /** Replaces those metrics of the group that have the same names. */
  pushAdd(params: PushParameters = {}): Promise<PushResult> {
    return this.#send("POST", params);
  }

  /** Replaces the whole group. */
  push(params: PushParameters = {}): Promise<PushResult> {
    return this.#send("PUT", params);
  }

  /** Deletes the group. */
  delete(params: PushParameters = {}): Promise<PushResult> {
    return this.#send("DELETE", params);
  }

  /** Throws at once without a job; rejects when the gateway cannot be reached, refuses, or takes longer than the option `timeout`. */
  #send(method: "POST" | "PUT" | "DELETE", { jobName, groupings }: PushParameters): Promise<PushResult> {
    if (this.requireJobName && !jobName) throw new Error("Missing jobName parameter");
    return this.#request(method, jobName ? groupingPath(jobName, groupings ?? {}) : "/metrics");
  }

  #request(method: string, path: string): Promise<PushResult> {
    const url = new URL(this.gatewayUrl);
    const headers: Record<string, unknown> = { ...(this.requestOptions.headers as object) };
    const hasBody = method !== "DELETE";
    const isGzip = hasBody && headers["Content-Encoding"] === "gzip";
    if (!hasBody) delete headers["Content-Encoding"];
    const options: RequestOptions = {
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      ...(url.username === ""
        ? {}
        : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
      ...this.requestOptions,
      path: url.pathname.replace(/\/+$/, "") + path,
      headers: headers as NonNullable<RequestOptions["headers"]>,
      method,
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(options, (resp) => {
        let answer = "";
        resp.setEncoding("utf8");
        resp.on("data", (chunk: string) => {
          answer += chunk;
        });
        resp.on("error", reject);
        resp.on("end", () => {
          if ((resp.statusCode ?? 0) < 400) resolve({ resp, body: answer });
          else reject(new Error(`push failed with status ${resp.statusCode}, ${answer}`));
        });
      });
      request.on("error", reject);
      request.on("timeout", () => request.destroy(new Error("Pushgateway request timed out")));
      if (!hasBody) {
        request.end();
        return;
      }
      // Whatever stands in for node:http in a caller's tests may know less than a request does.
      if (request.getHeader?.("Content-Type") === undefined) {
        request.setHeader?.("Content-Type", this.registry.contentType);
      }
      this.registry.metrics().then(
        (text) => request.end(isGzip ? gzipSync(text) : text),
        (error: Error) => {
          request.destroy();
          reject(error);
        },
      );
    });
  }
}
