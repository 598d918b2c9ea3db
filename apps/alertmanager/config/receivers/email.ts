// `email_configs`.
import { type Secret, struct, type TlsConfig, tlsClientConfig, yamlCodec } from "@narthex/toolkit";
import { hostPort } from "../host-port.ts";
import { keysOf, preset } from "../keys.ts";
import { type NotifierConfig, named, type ReceiverKind, type Writable } from "./common.ts";

const { bool, filePath, map, optional, secret, text } = yamlCodec;

export interface EmailThreading {
  readonly enabled: boolean;
  /** "daily" or "none". */
  readonly threadByDate: string;
}

export interface EmailConfig extends NotifierConfig {
  /** Comma-separated, a template. */
  readonly to: string;
  readonly from: string;
  readonly hello: string;
  readonly smarthost: string;
  readonly authUsername: string;
  readonly authPassword: Secret;
  readonly authPasswordFile: string;
  readonly authSecret: Secret;
  readonly authSecretFile: string;
  readonly authIdentity: string;
  /** Templates by canonical name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly html: string;
  readonly text: string;
  readonly requireTls: boolean | undefined;
  readonly tlsConfig: TlsConfig | undefined;
  /** Undefined: on port 465. */
  readonly forceImplicitTls: boolean | undefined;
  readonly threading: EmailThreading;
}

const threading = struct<EmailThreading>(
  "config.ThreadingConfig",
  keysOf<EmailThreading>({ enabled: bool, thread_by_date: text }),
);

export const email: ReceiverKind<EmailConfig> = {
  name: "email",
  nullItem: "missing email config",
  codec: struct<EmailConfig>(
    "config.plain",
    keysOf<EmailConfig>({
      send_resolved: preset(bool, false, true),
      to: text,
      from: text,
      hello: text,
      smarthost: hostPort,
      auth_username: text,
      auth_password: secret,
      auth_password_file: filePath(),
      auth_secret: secret,
      auth_secret_file: filePath(),
      auth_identity: text,
      headers: map(text, { type: "map[string]string" }),
      html: preset(text, named("email.default.html")),
      text,
      require_tls: optional(bool),
      tls_config: optional(tlsClientConfig),
      force_implicit_tls: optional(bool),
      threading,
    }),
    { check: checkEmail },
  ),
  inherit(config, global, reader) {
    config.tlsConfig ??= global.smtpTlsConfig;
    config.smarthost ||= global.smtpSmarthost;
    if (config.smarthost === "") reader.invalid(reader.place(config), "no global SMTP smarthost set");
    config.from ||= global.smtpFrom;
    if (config.from === "") reader.invalid(reader.place(config), "no global SMTP from set");
    config.hello ||= global.smtpHello;
    config.authUsername ||= global.smtpAuthUsername;
    if (config.authPassword.isEmpty && config.authPasswordFile === "") {
      config.authPassword = global.smtpAuthPassword;
      config.authPasswordFile = global.smtpAuthPasswordFile;
    }
    if (config.authSecret.isEmpty && config.authSecretFile === "") {
      config.authSecret = global.smtpAuthSecret;
      config.authSecretFile = global.smtpAuthSecretFile;
    }
    config.authIdentity ||= global.smtpAuthIdentity;
    config.requireTls ??= global.smtpRequireTls;
    config.forceImplicitTls ??= global.smtpForceImplicitTls;
  },
};

function checkEmail(config: Writable<EmailConfig>, reader: Parameters<typeof email.codec.decode>[1]): void {
  const invalid = (key: string, message: string): void => reader.invalid(reader.place(config, key), message);
  if (config.to === "") invalid("to", "missing to address in email config");
  const headers = new Map<string, string>();
  for (const [name, value] of config.headers) {
    const canonical = canonicalHeader(name);
    if (headers.has(canonical)) invalid("headers", `duplicate header ${JSON.stringify(canonical)} in email config`);
    headers.set(canonical, value);
  }
  config.headers = headers;
  if (!config.threading.enabled) return;
  for (const name of ["References", "In-Reply-To"])
    if (headers.has(name))
      invalid("headers", `conflicting configuration: threading.enabled conflicts with custom ${name} header`);
  if (!["none", "daily"].includes(config.threading.threadByDate))
    invalid("threading", "threading.thread_by_date must be either 'none' or 'daily'");
}

/** `Message-Id` for `message-id`; names with blanks stay as they are. */
export function canonicalHeader(name: string): string {
  if (/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(name)) return name;
  return name.replace(/[^-]+/g, (part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase());
}
