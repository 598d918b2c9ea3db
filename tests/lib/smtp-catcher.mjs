// A mail server on loopback that takes mail over STARTTLS only, and keeps it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";

/** A key and a certificate for `localhost` in `folder`; undefined where there is no openssl. */
export function makeCertificate(folder) {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  try {
    const names = ["-addext", "subjectAltName=DNS:localhost"];
    execFileSync("openssl", [...args, ...names, "-keyout", key, "-out", cert], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return { key, cert };
}

export class SmtpCatcher {
  /** What was said before and after the connection became secret, and the messages. */
  dialogues = [];
  messages = [];

  static async start(test, { key, cert }) {
    const catcher = new SmtpCatcher();
    const secrets = { key: readFileSync(key), cert: readFileSync(cert) };
    const sockets = new Set();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      catcher.#talk(socket, secrets, []);
      socket.write("220 catcher ESMTP\r\n");
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    test.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    catcher.port = server.address().port;
    return catcher;
  }

  /** Waits for so many messages. */
  async until(count, withinMs = 30_000) {
    for (const end = Date.now() + withinMs; this.messages.length < count; await sleep(20)) {
      if (Date.now() > end) throw new Error(`${this.messages.length} of ${count} messages came`);
    }
    return this.messages;
  }

  #talk(socket, secrets, said) {
    const isSecret = socket instanceof TLSSocket;
    let text = "";
    let data;
    let message = { to: [] };
    const answer = (line) => socket.write(`${line}\r\n`);
    const onData = (bytes) => {
      text += bytes.toString("utf8");
      for (;;) {
        const end = data === undefined ? text.indexOf("\r\n") : text.indexOf("\r\n.\r\n");
        if (end < 0) return;
        const piece = text.slice(0, end);
        text = text.slice(end + (data === undefined ? 2 : 5));
        if (data !== undefined) {
          this.messages.push({ ...message, isSecret, text: piece.replace(/\r\n\.\./g, "\r\n.") });
          data = undefined;
          message = { to: [] };
          answer("250 taken");
          continue;
        }
        const verb = piece.split(/[ :]/)[0].toUpperCase();
        said.push(verb);
        if (verb === "EHLO")
          socket.write(isSecret ? "250-catcher\r\n250 AUTH PLAIN\r\n" : "250-catcher\r\n250 STARTTLS\r\n");
        else if (verb === "STARTTLS") {
          socket.off("data", onData);
          answer("220 go on");
          const secret = new TLSSocket(socket, { isServer: true, ...secrets });
          secret.on("error", () => {});
          this.#talk(secret, secrets, said);
          return;
        } else if (verb === "AUTH") answer("235 welcome");
        else if (!isSecret && verb !== "QUIT" && verb !== "NOOP") answer("530 STARTTLS first");
        else if (verb === "MAIL") {
          message.from = piece;
          answer("250 ok");
        } else if (verb === "RCPT") {
          message.to.push(piece);
          answer("250 ok");
        } else if (verb === "DATA") {
          data = true;
          answer("354 go on");
        } else if (verb === "QUIT") {
          this.dialogues.push(said);
          answer("221 bye");
          socket.end();
        } else answer("250 ok");
      }
    };
    socket.on("data", onData);
  }
}
