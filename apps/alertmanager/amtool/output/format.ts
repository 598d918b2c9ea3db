// The three forms in which the tool prints what the API answered.
import { compareStrings } from "@narthex/model";
import { matcherText } from "../../matcher/matcher.ts";
import { parseApiTime } from "../../moment/parse.ts";
import { goJson } from "../../template/go-json.ts";
import { GoTime } from "../../template/go-time.ts";
import {
  type AlertAnswer,
  type ClusterAnswer,
  type MatcherAnswer,
  matchTypeOf,
  type SilenceAnswer,
  type StatusAnswer,
  type Texts,
} from "../answers.ts";
import { layOut } from "./table.ts";

export const OUTPUT_FORMS = ["simple", "extended", "json"] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** Layout of dates, in Go's notation. */
export const DEFAULT_DATE_LAYOUT = "2006-01-02 15:04:05 MST";

export class Formatter {
  readonly #form: OutputForm;
  readonly #dateLayout: string;

  constructor(form: OutputForm, dateLayout: string) {
    this.#form = form;
    this.#dateLayout = dateLayout;
  }

  /** Sorted by their start. */
  alerts(alerts: readonly AlertAnswer[]): string {
    if (this.#form === "json") return line(goJson(alerts.map(alertJson)));
    const sorted = sortedBy(alerts, ({ startsAt }) => startsAt);
    if (this.#form === "simple")
      return table(
        ["Alertname", "Starts At", "Summary", "State"],
        sorted.map(({ labels, startsAt, annotations, status }) => [
          labels?.["alertname"] ?? "",
          this.#date(startsAt),
          annotations?.["summary"] ?? "",
          status.state,
        ]),
      );
    return table(
      ["Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"],
      sorted.map(({ labels, annotations, startsAt, endsAt, generatorURL = "", status }) => [
        pairsText(labels),
        pairsText(annotations),
        this.#date(startsAt),
        this.#date(endsAt),
        generatorURL,
        status.state,
      ]),
    );
  }

  /** Sorted by their end. */
  silences(silences: readonly SilenceAnswer[]): string {
    if (this.#form === "json") return line(goJson(silences.map(silenceJson)));
    const sorted = sortedBy(silences, ({ endsAt }) => endsAt);
    if (this.#form === "simple")
      return table(
        ["ID", "Matchers", "Ends At", "Created By", "Comment"],
        sorted.map(({ id, matchers, endsAt, createdBy, comment }) => [
          id,
          matchers.map(textOfMatcher).join(" "),
          this.#date(endsAt),
          createdBy,
          comment,
        ]),
      );
    return table(
      ["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"],
      sorted.map(({ id, matchers, startsAt, endsAt, updatedAt, createdBy, comment }) => [
        id,
        `{${matchers.map(textOfMatcher).join(",")}}`,
        this.#date(startsAt),
        this.#date(endsAt),
        this.#date(updatedAt),
        createdBy,
        comment,
      ]),
    );
  }

  /** The configuration that is in force; in the longer forms with what program it is. */
  status(status: StatusAnswer): string {
    if (this.#form === "json") return line(goJson(statusJson(status)));
    const { config, versionInfo, uptime } = status;
    if (this.#form === "simple") return line(config.original);
    // Where the reference prints the addresses of these texts in its memory, here are the texts.
    const names = ["buildUser", "goVersion", "revision", "version", "branch", "buildDate"] as const;
    const facts = names.map((name) => `${name} ${versionInfo[name]}`);
    return `${[config.original, ...facts, `uptime ${dateJson(uptime)}`].join("\n")}\n`;
  }

  cluster(cluster: ClusterAnswer): string {
    if (this.#form === "json") return line(goJson(clusterJson(cluster)));
    const head = `Cluster Status:\t${cluster.status}\nNode Name:\t${cluster.name ?? ""}\n`;
    if (this.#form === "simple") return layOut(head);
    const peers = [...cluster.peers].sort(compareAddresses).map(({ address, name }) => `${address}\t${name}\t\n`);
    return layOut(`${head}\nAddress\tName\n${peers.join("")}`);
  }

  #date(text: string): string {
    return new GoTime(parseApiTime(text)).Format(this.#dateLayout);
  }
}

function line(text: string): string {
  return `${text}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return layOut([head, ...rows].map((row) => `${row.join("\t")}\t\n`).join(""));
}

function sortedBy<T>(items: readonly T[], time: (item: T) => string): T[] {
  const keyed = items.map((item) => ({ item, at: parseApiTime(time(item)) }));
  return keyed.sort((a, b) => a.at.compare(b.at)).map(({ item }) => item);
}

function pairsText(pairs: Texts = {}): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}="${value}"`)
    .sort(compareStrings)
    .join(" ");
}

function textOfMatcher(matcher: MatcherAnswer): string {
  return matcherText(matchTypeOf(matcher), matcher.name, matcher.value);
}

function dateJson(text: string): string {
  return parseApiTime(text).toRfc3339Millis();
}

/** As the reference's models are written: known fields alone, in its order. */
function alertJson(alert: AlertAnswer): object {
  const { annotations, fingerprint, receivers, status, generatorURL, labels } = alert;
  return {
    annotations: sortedTexts(annotations ?? {}),
    endsAt: dateJson(alert.endsAt),
    fingerprint: fingerprint ?? null,
    receivers: receivers?.map(({ name }) => ({ name })) ?? null,
    startsAt: dateJson(alert.startsAt),
    status: {
      inhibitedBy: status.inhibitedBy,
      mutedBy: status.mutedBy ?? null,
      silencedBy: status.silencedBy,
      state: status.state,
    },
    updatedAt: dateJson(alert.updatedAt),
    generatorURL: generatorURL === "" ? undefined : generatorURL,
    labels: sortedTexts(labels ?? {}),
  };
}

function silenceJson(silence: SilenceAnswer): object {
  const { id, status, annotations, comment, createdBy, matchers } = silence;
  return {
    id,
    status: { state: status.state },
    updatedAt: dateJson(silence.updatedAt),
    annotations: Object.keys(annotations ?? {}).length === 0 ? undefined : sortedTexts(annotations as Texts),
    comment,
    createdBy,
    endsAt: dateJson(silence.endsAt),
    matchers: matchers.map(({ isEqual, isRegex, name, value }) => ({ isEqual, isRegex, name, value })),
    startsAt: dateJson(silence.startsAt),
  };
}

function clusterJson({ name, peers, status }: ClusterAnswer): object {
  return {
    name: name === "" ? undefined : name,
    peers: peers.map((peer) => ({ address: peer.address, name: peer.name })),
    status,
  };
}

function statusJson({ cluster, config, uptime, versionInfo }: StatusAnswer): object {
  const { branch, buildDate, buildUser, goVersion, revision, version } = versionInfo;
  return {
    cluster: clusterJson(cluster),
    config: { original: config.original },
    uptime: dateJson(uptime),
    versionInfo: { branch, buildDate, buildUser, goVersion, revision, version },
  };
}

function sortedTexts(texts: Texts): ReadonlyMap<string, string> {
  return new Map(Object.entries(texts));
}

/** By address as a number, then by port. */
function compareAddresses(a: { readonly address: string }, b: { readonly address: string }): number {
  const [hostA, portA] = splitPort(a.address);
  const [hostB, portB] = splitPort(b.address);
  return hostA === hostB ? portA - portB : compareStrings(sortKey(hostA), sortKey(hostB));
}

function splitPort(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon).replace(/^\[|\]$/g, ""), Number(address.slice(colon + 1)) || 0];
}

/** Parts of an IPv4 address padded, so that they sort as numbers; others sort as they are written, behind them. */
function sortKey(host: string): string {
  if (!/^\d+(\.\d+){3}$/.test(host)) return `~${host}`;
  return host
    .split(".")
    .map((part) => part.padStart(3, "0"))
    .join(".");
}
