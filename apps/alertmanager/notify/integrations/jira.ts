// Jira: one issue for each group, found again by a label; moved along when the group is over, and when it comes back.
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { JiraConfig } from "../../config/receivers/jira.ts";
import { goJson } from "../../template/go-json.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import {
  allResolved,
  answerOf,
  cutRunes,
  dataOf,
  type Expand,
  expander,
  explained,
  type NotifierEnvironment,
  Sender,
} from "./common.ts";
import { expandTree } from "./template-tree.ts";

const MAX_SUMMARY_RUNES = 255;
const MAX_DESCRIPTION_RUNES = 32_767;

interface Issue {
  readonly key?: string;
  readonly fields?: { readonly status?: { readonly statusCategory?: { readonly key?: string } } };
}

export class JiraNotifier implements Notifier {
  readonly #config: JiraConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: JiraConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const data = dataOf(this.#environment, delivery, alerts);
    const expand = expander(this.#environment, data);
    const group = keyHash(delivery.groupKey);
    const isFiring = !allResolved(data);
    const existing = await this.#search(group, isFiring, expand, delivery);
    if (existing === undefined && !isFiring) return { status: 0, text: "nothing to resolve" };
    const fields = this.#fields(group, expand);
    if (existing !== undefined) {
      if (this.#config.description.enableUpdate === false) fields.delete("description");
      if (this.#config.summary.enableUpdate === false) fields.delete("summary");
    }
    const path = existing === undefined ? "issue" : `issue/${existing.key}`;
    const method = existing === undefined ? "POST" : "PUT";
    const answer = await this.#call(method, this.#at(path), `failed to ${method} request to "${path}": `, delivery, {
      fields,
    });
    if (existing !== undefined) await this.#transition(existing, isFiring, delivery);
    return answer;
  }

  close(): void {
    this.#sender.close();
  }

  #at(path: string): string {
    const [base = ""] = (this.#config.apiUrl as ConfigUrl).reveal().split("?");
    return `${base.replace(/\/+$/, "")}/${path}`;
  }

  #fields(group: string, expand: Expand): Map<string, unknown> {
    const config = this.#config;
    const fields = new Map<string, unknown>();
    fields.set(
      "summary",
      cutRunes(
        explained("summary template", () => expand(config.summary.template)),
        MAX_SUMMARY_RUNES,
      ),
    );
    const description = explained("description template", () => this.#description(expand));
    if (description !== undefined) fields.set("description", description);
    fields.set("issuetype", { name: explained("issue_type template", () => expand(config.issueType)) });
    const labels = config.labels.map((label, i) => explained(`labels[${i}] template`, () => expand(label)));
    fields.set("labels", [...labels, `ALERT{${group}}`].sort());
    const priority = explained("priority template", () => expand(config.priority));
    if (priority !== "") fields.set("priority", { name: priority });
    fields.set("project", { key: explained("project template", () => expand(config.project)) });
    for (const [name, value] of config.fields)
      fields.set(
        name,
        explained("fields template", () => expandTree(value, expand)),
      );
    return fields;
  }

  /** A text, or for the third version of the interface a document. */
  #description(expand: Expand): unknown {
    const text = cutRunes(expand(this.#config.description.template), MAX_DESCRIPTION_RUNES);
    const [base = ""] = (this.#config.apiUrl as ConfigUrl).reveal().split("?");
    if (!base.replace(/\/+$/, "").endsWith("/3")) return text === "" ? undefined : text;
    if (text.trim() === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error("invalid JSON for API v3", { cause: error });
    }
  }

  async #search(group: string, isFiring: boolean, expand: Expand, delivery: Delivery): Promise<Issue | undefined> {
    const { wontFixResolution, reopenTransition, reopenDuration, project } = this.#config;
    const minutes = Math.trunc(reopenDuration / 60_000);
    const reopens = isFiring && reopenTransition !== "" && minutes > 0;
    const jql = [
      ...(wontFixResolution === ""
        ? []
        : [`(resolution is EMPTY or resolution != ${JSON.stringify(wontFixResolution)}) and `]),
      reopens ? `(resolutiondate is EMPTY OR resolutiondate >= -${minutes}m) and ` : "statusCategory != Done and ",
      `project=${JSON.stringify(expand(project))} and labels="ALERT{${group}}" order by status ASC,resolutiondate DESC`,
    ].join("");
    const body = { fields: ["status"], jql, maxResults: 2 };
    const prefix = "failed to look up existing issues: HTTP request to JIRA API: ";
    const answer = await this.#call("POST", this.#searchUrl(), prefix, delivery, body);
    const { issues = [] } = parse<{ issues?: Issue[] }>(answer.text, "failed to look up existing issues: ");
    return issues[0];
  }

  /** The cloud has its search elsewhere. */
  #searchUrl(): string {
    const { apiType, apiUrl } = this.#config;
    const isCloud =
      apiType === "cloud" ||
      (apiType === "auto" && new URL((apiUrl as ConfigUrl).reveal()).host.endsWith("atlassian.net"));
    return isCloud ? this.#at("search/jql").replace("/rest/api/2/", "/rest/api/3/") : this.#at("search");
  }

  async #transition({ key = "", fields }: Issue, isFiring: boolean, delivery: Delivery): Promise<void> {
    const category = fields?.status?.statusCategory?.key;
    if (key === "" || fields?.status === undefined) return;
    const isDone = category === "done";
    if (isFiring !== isDone) return;
    const name = isFiring ? this.#config.reopenTransition : this.#config.resolveTransition;
    if (name === "") return;
    const url = this.#at(`issue/${key}/transitions`);
    const { text } = await this.#call("GET", url, "", delivery);
    const { transitions = [] } = parse<{ transitions?: { id?: string; name?: string }[] }>(text, "");
    const found = transitions.find((transition) => transition.name === name);
    if (found === undefined) throw new NotifyError(`can't find transition ${name} for issue ${key}`);
    await this.#call("POST", url, "", delivery, { transition: { id: found.id } });
  }

  async #call(
    method: "GET" | "POST" | "PUT",
    url: string,
    messagePrefix: string,
    delivery: Delivery,
    body?: unknown,
  ): Promise<Answer> {
    return answerOf(
      await this.#sender.send(url, body === undefined ? undefined : `${goJson(body)}\n`, delivery, {
        method,
        contentType: "application/json",
        headers: { "Accept-Language": "en" },
        retryStatuses: [429],
        messagePrefix,
      }),
    );
  }
}

function parse<T>(text: string, prefix: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new NotifyError(prefix + (error as Error).message, { cause: error });
  }
}
