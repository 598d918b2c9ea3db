// One mail over one connection. The protocol is nodemailer's; which mechanism proves who we are is chosen as the reference does.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import type { ConnectionOptions } from "node:tls";
import { requestFailure } from "@narthex/toolkit";
import type {
  SMTPConnectionCustomAuthContext as AuthContext,
  default as SmtpConnection,
} from "nodemailer/lib/smtp-connection";
import { NotifyError } from "../reason.ts";

/** How to reach a server, and as whom. Passwords are read when they are asked for. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly hello: string;
  /** TLS from the first byte. */
  readonly isImplicit: boolean;
  readonly requiresTls: boolean;
  readonly tls: ConnectionOptions;
  /** "" for not logging in. */
  readonly username: string;
  readonly identity: string;
  readonly password: () => string;
  /** For CRAM-MD5. */
  readonly secret: () => string;
}

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

/** Sends it and resolves to the server's last words. Rejects with a `NotifyError`. */
export async function sendMail(
  settings: SmtpSettings,
  envelope: Envelope,
  message: string,
  signal: AbortSignal,
): Promise<string> {
  const Connection = loadLibrary();
  const { host, port, hello, isImplicit, requiresTls, tls } = settings;
  const connection = new Connection({
    host,
    port,
    secure: isImplicit,
    name: hello,
    tls: { servername: host, ...tls },
    ...(isImplicit ? {} : requiresTls ? { requireTLS: true } : { ignoreTLS: true }),
    allowInternalNetworkInterfaces: true,
    customAuth: { NARTHEX: (context) => authenticate(context, mechanisms, settings) },
  });
  // Whatever befalls it between two steps, or after the last one, must not end the process.
  connection.on("error", () => {});
  let mechanisms: readonly string[] = [];
  const abort = (): void => connection.close();
  signal.addEventListener("abort", abort);
  try {
    await step(connection, "establish connection to server", (done) =>
      connection.connect((error) => done(error ?? null)),
    );
    mechanisms = mechanismsOf(connection);
    if (settings.username !== "" && connection.allowsAuth)
      await step(connection, "find auth mechanism", (done) =>
        connection.login({ method: "NARTHEX", user: settings.username, pass: "-" }, done),
      );
    const info = await step<{ response: string }>(connection, "delivery failure", (done) =>
      connection.send({ from: envelope.from, to: [...envelope.to], use8BitMime: true }, message, done),
    );
    connection.quit();
    return info?.response ?? "";
  } catch (error) {
    connection.close();
    if (signal.aborted) throw new NotifyError(String(signal.reason), { retry: true, cause: error });
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

type Done<T> = (error: Error | null, value?: T) => void;

/** One exchange with the server. A connection that breaks meanwhile fails it, too. */
function step<T>(connection: SmtpConnection, what: string, run: (done: Done<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      connection.off("error", fail);
      connection.off("end", ended);
      reject(
        error instanceof NotifyError
          ? error
          : new NotifyError(`${what}: ${requestFailure(error)}`, { retry: true, cause: error }),
      );
    };
    const ended = (): void => fail(new Error("EOF"));
    connection.once("error", fail);
    connection.once("end", ended);
    run((error, value) => {
      if (error !== null && error !== undefined) fail(error);
      else {
        connection.off("error", fail);
        connection.off("end", ended);
        resolve(value);
      }
    });
  });
}

/** In the server's order, which is its preference; the library keeps an order of its own. */
function mechanismsOf({ lastServerResponse }: SmtpConnection): string[] {
  const [, list = ""] = /^\d{3}[ -]AUTH[ =](.*)$/im.exec(lastServerResponse || "") ?? [];
  return list
    .trim()
    .split(/\s+/)
    .filter((name) => name !== "");
}

/** The first of the server's mechanisms for which there are credentials. */
async function authenticate(
  context: AuthContext,
  mechanisms: readonly string[],
  settings: SmtpSettings,
): Promise<void> {
  const { username, identity } = settings;
  const problems: string[] = [];
  const send = async (line: string, expected: number): Promise<string> => {
    const { status, text, response } = await context.sendCommand(line);
    if (status !== expected) throw new NotifyError(`auth: ${response}`, { retry: true });
    return text;
  };
  for (const mechanism of mechanisms) {
    const secret = mechanism === "CRAM-MD5" ? settings.secret() : settings.password();
    if (!["CRAM-MD5", "PLAIN", "LOGIN"].includes(mechanism)) {
      problems.push(`unknown auth mechanism: ${mechanism}`);
      continue;
    }
    if (secret === "") {
      problems.push(`missing ${mechanism === "CRAM-MD5" ? "secret" : "password"} for ${mechanism} auth mechanism`);
      continue;
    }
    if (mechanism === "CRAM-MD5") {
      const challenge = Buffer.from(await send("AUTH CRAM-MD5", 334), "base64");
      const digest = createHmac("md5", secret).update(challenge).digest("hex");
      await send(base64(`${username} ${digest}`), 235);
    } else if (mechanism === "PLAIN") await send(`AUTH PLAIN ${base64(`${identity}\0${username}\0${secret}`)}`, 235);
    else {
      await send("AUTH LOGIN", 334);
      await send(base64(username), 334);
      await send(base64(secret), 235);
    }
    return;
  }
  throw new NotifyError(`find auth mechanism: ${problems.join("\n")}`, { retry: true });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** The library is optional: who sends no mail need not have it. Not `import()`: bundles run as scripts, which cannot do that. */
function loadLibrary(): typeof SmtpConnection {
  try {
    return createRequire(import.meta.url)("nodemailer/lib/smtp-connection") as typeof SmtpConnection;
  } catch (error) {
    throw new NotifyError('sending mail needs the package "nodemailer", which is not installed', { cause: error });
  }
}
