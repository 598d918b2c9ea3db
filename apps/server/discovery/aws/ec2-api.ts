// The two lists of EC2 that discovery needs. Source: Amazon EC2 API Reference, 2016-11-15.
import {
  ApiClient,
  type ApiRequest,
  AwsCredentialSource,
  awsError,
  domainOf,
  formBody,
  parseXml,
  signedHeaders,
  statusError,
  type XmlElement,
  xmlList,
  xmlText,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import { PageGuard } from "../page-guard.ts";
import type { Ec2DiscoveryBody } from "./ec2-body.ts";

const VERSION = "2016-11-15";
/** Answers that say no to whoever asks: credentials may have been exchanged. */
const REFUSALS = ["AuthFailure", "UnauthorizedOperation", "ExpiredToken", "RequestExpired", "InvalidClientTokenId"];

/** EC2 in one region. */
export class Ec2Api {
  readonly #body: Ec2DiscoveryBody;
  readonly #client: ApiClient;
  readonly #credentials: AwsCredentialSource;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #now: () => number;

  constructor(
    body: Ec2DiscoveryBody,
    now: () => number,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#body = body;
    this.#now = now;
    this.#environment = environment;
    this.#client = new ApiClient(body.http, { environment });
    const identity = { ...body, secretKey: body.secretKey.reveal() };
    this.#credentials = new AwsCredentialSource(identity, { environment, client: this.#client, now });
  }

  /** The region, found out once when nobody said it. */
  region(signal: AbortSignal): Promise<string> {
    return this.#credentials.region(this.#body.region, signal);
  }

  /** All reservations, page by page. */
  async reservations(signal: AbortSignal): Promise<readonly XmlElement[]> {
    const params: Record<string, string> = {};
    for (const [i, { name, values }] of this.#body.filters.entries()) {
      params[`Filter.${i + 1}.Name`] = name;
      for (const [j, value] of values.entries()) params[`Filter.${i + 1}.Value.${j + 1}`] = value;
    }
    const found: XmlElement[] = [];
    const guard = new PageGuard("reservations");
    let next = "";
    do {
      const { root: page, chars } = await this.#ask(
        "DescribeInstances",
        next === "" ? params : { ...params, NextToken: next },
        signal,
      );
      const items = xmlList(page, "item", "reservationSet");
      for (const item of items) found.push(item);
      next = xmlText(page, "nextToken") ?? "";
      if (next !== "") guard.turn(items.length, next, chars);
    } while (next !== "");
    return found;
  }

  /** Ids of the availability zones by their names, which mean different places for different accounts. */
  async zoneIds(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { root: answer } = await this.#ask("DescribeAvailabilityZones", {}, signal);
    const ids = new Map<string, string>();
    for (const zone of xmlList(answer, "item", "availabilityZoneInfo")) {
      const name = xmlText(zone, "zoneName");
      const id = xmlText(zone, "zoneId");
      if (name !== undefined && id !== undefined) ids.set(name, id);
    }
    return ids;
  }

  close(): void {
    this.#client.close();
  }

  async #ask(
    action: string,
    params: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly root: XmlElement; readonly chars: number }> {
    const region = await this.region(signal);
    const credentials = await this.#credentials.credentials(region, signal);
    const { endpoint, refreshIntervalMs } = this.#body;
    const named = endpoint || this.#environment["AWS_ENDPOINT_URL_EC2"] || this.#environment["AWS_ENDPOINT_URL"];
    const url = new URL(named || `https://ec2.${region}.${domainOf(region)}/`);
    const body = formBody({ Action: action, Version: VERSION, ...params });
    const own = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };
    const scope = { region, service: "ec2", now: this.#now() };
    const signed = signedHeaders({ method: "POST", url, headers: own, body }, credentials, scope);
    const headers = { ...own, ...signed, "User-Agent": `Prometheus/${COMPATIBLE_VERSION}` };
    const request: ApiRequest = { url, method: "POST", headers, body, timeoutMs: refreshIntervalMs, signal };
    const answer = await this.#client.ask(request);
    if (answer.status === 200) {
      const root = parseXml(answer.text);
      if (root.name !== `${action}Response`) throw new Error(`unexpected answer <${root.name.slice(0, 40)}>`);
      return { root, chars: answer.text.length };
    }
    const error = awsError(answer.text);
    if (error !== undefined && REFUSALS.includes(error.code)) this.#credentials.forget();
    if (error === undefined) throw statusError(answer, request);
    throw new Error(`${error.code}: ${error.message}`);
  }
}
