// E-mail: one message with the alternatives text and HTML, in a thread of its group where that is wanted.
import { hostname } from "node:os";
import { type TlsConfig, tlsClientOptions } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import { splitHostPort } from "../../config/host-port.ts";
import type { EmailConfig } from "../../config/receivers/email.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import { parseAddresses } from "./addresses.ts";
import {
  dataOf,
  type Expand,
  expander,
  explained,
  htmlExpander,
  type NotifierEnvironment,
  readSecretFile,
} from "./common.ts";
import { encodedHeader, type MailPart, mailDate, mailText } from "./mime.ts";
import { type SmtpSettings, sendMail } from "./smtp.ts";

const IMPLICIT_TLS_PORT = "465";
const DEFAULT_SUBJECT = '{{ template "email.default.subject" . }}';

export class EmailNotifier implements Notifier {
  readonly #config: EmailConfig;
  readonly #environment: NotifierEnvironment;
  readonly #headers: ReadonlyMap<string, string>;

  constructor(config: EmailConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#headers = new Map([
      ["Subject", DEFAULT_SUBJECT],
      ["To", config.to],
      ["From", config.from],
      ...config.headers,
    ]);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const { from, to, smarthost } = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    const expand = expander(this.#environment, data);
    const senders = addresses(
      "from",
      explained("execute 'from' template", () => expand(from)),
    );
    const recipients = addresses(
      "to",
      explained("execute 'to' template", () => expand(to)),
    );
    if (senders.length !== 1) throw new NotifyError(`must be exactly one 'from' address (got: ${senders.length})`);
    const parts = this.#parts(expand, htmlExpander(this.#environment, data));
    const message = mailText(this.#headerLines(expand, delivery), parts);
    const envelope = { from: senders[0] as string, to: recipients };
    const said = await sendMail(this.#settings(smarthost), envelope, message, delivery.signal);
    return { status: 0, text: said };
  }

  #settings(smarthost: string): SmtpSettings {
    const config = this.#config;
    const { host, port } = splitHostPort(smarthost);
    return {
      host,
      port: Number(port),
      hello: config.hello,
      isImplicit: config.forceImplicitTls ?? port === IMPLICIT_TLS_PORT,
      requiresTls: config.requireTls ?? true,
      tls: explained("parse TLS configuration", () => tlsClientOptions(config.tlsConfig as TlsConfig)),
      username: config.authUsername,
      identity: config.authIdentity,
      password: () => secret(config.authPassword.reveal(), config.authPasswordFile, true),
      secret: () => secret(config.authSecret.reveal(), config.authSecretFile, false),
    };
  }

  #headerLines(expand: Expand, delivery: Delivery): [string, string][] {
    const now = new Date(this.#environment.clock.now());
    const lines = [...this.#headers].map(([name, template]): [string, string] => [
      name,
      encodedHeader(oneLine(explained(`execute ${JSON.stringify(name)} header template`, () => expand(template)))),
    ]);
    if (!this.#headers.has("Message-Id")) {
      const id = `${now.getTime()}${Math.trunc(Math.random() * 1e6)}.${Math.trunc(Math.random() * 2 ** 53)}`;
      lines.push(["Message-Id", `<${id}@${hostname() || "localhost.localdomain"}>`]);
    }
    const { enabled, threadByDate } = this.#config.threading;
    if (enabled) {
      // Names no mail there is: readers put all that refers to it into one thread.
      const day = threadByDate === "none" ? "" : localDay(now);
      const root = `<alert-${keyHash(delivery.groupKey).slice(0, 16)}-${day}@alertmanager>`;
      lines.push(["References", root], ["In-Reply-To", root]);
    }
    lines.push(["Date", mailDate(now)]);
    return lines;
  }

  #parts(expand: Expand, expandHtml: Expand): MailPart[] {
    const { text, html } = this.#config;
    const parts: MailPart[] = [];
    if (text !== "")
      parts.push({
        contentType: "text/plain; charset=UTF-8",
        body: explained("execute text template", () => expand(text)),
      });
    if (html !== "")
      parts.push({
        contentType: "text/html; charset=UTF-8",
        body: explained("execute html template", () => expandHtml(html)),
      });
    return parts;
  }
}

function addresses(what: string, text: string): string[] {
  const parsed = parseAddresses(text);
  if (typeof parsed === "string") throw new NotifyError(`parse '${what}' addresses: ${parsed}`);
  return parsed;
}

/** A header's value has no line ends: what a template puts in could make other headers. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

function localDay(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function secret(text: string, file: string, trims: boolean): string {
  return file === "" ? text : readSecretFile(file, `could not read ${file}: `, trims);
}
