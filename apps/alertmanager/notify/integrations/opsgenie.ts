// Opsgenie: alerts by alias, which is the group's.
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { OpsgenieConfig } from "../../config/receivers/opsgenie.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import {
  allResolved,
  answerOf,
  cutRunes,
  dataOf,
  type Expand,
  expander,
  type NotifierEnvironment,
  orNone,
  readSecretFile,
  Sender,
  type SendOptions,
} from "./common.ts";

const MAX_MESSAGE_RUNES = 130;

interface Request {
  readonly method: "POST" | "PUT";
  readonly path: string;
  readonly body: unknown;
}

export class OpsgenieNotifier implements Notifier {
  readonly #config: OpsgenieConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: OpsgenieConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const { apiKey, apiKeyFile, apiUrl, source } = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    const expand = expander(this.#environment, data);
    const alias = keyHash(delivery.groupKey);
    const requests: Request[] = allResolved(data)
      ? [{ method: "POST", path: `v2/alerts/${alias}/close?identifierType=alias`, body: { source: expand(source) } }]
      : this.#opening(alias, expand, data.CommonLabels);
    const key = apiKey.isEmpty
      ? expand(readSecretFile(apiKeyFile, "read key_file error: ", false)).trim()
      : expand(apiKey.reveal());
    let answer: Answer = { status: 0, text: "" };
    for (const { method, path, body } of requests) {
      const options: SendOptions = { method, headers: { Authorization: `GenieKey ${key}` }, retryStatuses: [429] };
      answer = answerOf(await this.#sender.postJson(join(apiUrl as ConfigUrl, path), body, delivery, options));
    }
    return answer;
  }

  close(): void {
    this.#sender.close();
  }

  #opening(alias: string, expand: Expand, commonLabels: ReadonlyMap<string, string>): Request[] {
    const config = this.#config;
    const details = new Map(commonLabels);
    for (const [name, value] of config.details) details.set(name, expand(value));
    const message = cutRunes(expand(config.message), MAX_MESSAGE_RUNES);
    const description = expand(config.description);
    const body = {
      alias,
      message,
      description: orNone(description),
      details,
      source: expand(config.source),
      responders: orNone(this.#responders(expand)),
      tags: orNone(split(expand(config.tags))),
      note: orNone(expand(config.note)),
      priority: orNone(expand(config.priority)),
      entity: orNone(expand(config.entity)),
      actions: orNone(split(expand(config.actions))),
    };
    const create: Request = { method: "POST", path: "v2/alerts", body };
    if (!config.updateAlerts) return [create];
    const update = (what: string, text: string): Request => ({
      method: "PUT",
      path: `v2/alerts/${alias}/${what}?identifierType=alias`,
      body: { [what]: orNone(text) },
    });
    return [create, update("message", message), update("description", description)];
  }

  /** Those that expand to nothing are left out; a list of teams becomes one of each. */
  #responders(expand: Expand): object[] {
    return this.#config.responders.flatMap((responder): object[] => {
      const id = expand(responder.id);
      const name = expand(responder.name);
      const username = expand(responder.username);
      const type = expand(responder.type);
      if (id === "" && name === "" && username === "" && type === "") return [];
      if (type === "teams") return split(name).map((team) => ({ name: expand(team), type: "team" }));
      return [{ id: orNone(id), name: orNone(name), username: orNone(username), type }];
    });
  }
}

function split(text: string): string[] {
  return text
    .trim()
    .split(",")
    .filter((part) => part !== "");
}

/** Puts a path behind the address, in front of what it asks for. */
export function join(address: ConfigUrl, path: string): string {
  const [base = "", query] = address.reveal().split("?");
  if (query === undefined) return base + path;
  return `${base}${path}${path.includes("?") ? "&" : "?"}${query}`;
}
