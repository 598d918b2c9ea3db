import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { TLSSocket } from "node:tls";
import { type SmtpSettings, sendMail } from "./smtp.ts";

// A certificate for 127.0.0.1 that signs itself; made for tests and used nowhere else.
const pem = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname.replace(/([\\/])dist([\\/])/, "$1$2"), "testdata", name));
const cert = pem("cert.pem");
const key = pem("key.pem");

interface MailServer {
  readonly port: number;
  /** What clients said, `tls` where they went over to TLS. */
  readonly said: string[];
  close(): void;
}

/** Offers what it is told to; `answers` replaces single answers by their command. */
async function mailServer(
  offers: readonly string[],
  answers: Readonly<Record<string, string>> = {},
): Promise<MailServer> {
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket, greets: boolean, extensions: readonly string[]): void => {
    let buffered = "";
    let isData = false;
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    socket.on("error", () => {});
    if (greets) say("220 here");
    socket.on("data", (bytes: Buffer) => {
      buffered += bytes.toString();
      for (let end = buffered.indexOf("\r\n"); end >= 0; end = buffered.indexOf("\r\n")) {
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        if (isData) {
          if (line !== ".") continue;
          isData = false;
          say("250 taken");
          continue;
        }
        said.push(line);
        const word = line.split(" ")[0] as string;
        const special = answers[word];
        if (special !== undefined) say(special);
        else if (word === "EHLO")
          say(["250-here", ...extensions.map((each) => `250-${each}`), "250 8BITMIME"].join("\r\n"));
        else if (word === "STARTTLS" && !extensions.includes(word)) say("502 not here");
        else if (word === "STARTTLS") {
          say("220 go on");
          socket.removeAllListeners("data");
          said.push("tls");
          const secure = new TLSSocket(socket, { isServer: true, key, cert });
          serve(
            secure,
            false,
            extensions.filter((each) => each !== "STARTTLS"),
          );
          return;
        } else if (line === "AUTH LOGIN") say("334 VXNlcm5hbWU6");
        else if (line === "AUTH CRAM-MD5") say(`334 ${Buffer.from("<challenge>").toString("base64")}`);
        else if (word === "AUTH") say("235 welcome");
        else if (word === "DATA") {
          isData = true;
          say("354 go on");
        } else if (word === "QUIT") socket.end("221 bye\r\n");
        else if (/^[A-Za-z0-9+/=]+$/.test(word) && !/^(MAIL|RCPT)$/.test(word))
          say(said.at(-2) === "AUTH LOGIN" ? "334 UGFzc3dvcmQ6" : "235 welcome");
        else say("250 ok");
      }
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket, true, offers);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as { port: number }).port,
    said,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function send(
  server: MailServer,
  more: Partial<SmtpSettings> = {},
  signal = AbortSignal.timeout(5000),
): Promise<string> {
  const settings: SmtpSettings = {
    host: "127.0.0.1",
    port: server.port,
    hello: "me.example",
    isImplicit: false,
    requiresTls: true,
    tls: { ca: cert },
    username: "",
    identity: "",
    password: () => "pass",
    secret: () => "secret",
    ...more,
  };
  try {
    return await sendMail(settings, { from: "a@x", to: ["b@x", "c@x"] }, "Subject: s\r\n\r\nbody\r\n", signal);
  } catch (error) {
    return `! ${(error as Error).message}`;
  } finally {
    server.close();
  }
}

test("mail: encrypted before anything is said, greeted again afterwards", async () => {
  const server = await mailServer(["STARTTLS", "AUTH PLAIN"]);
  assert.equal(await send(server, { username: "joe", identity: "id" }), "250 taken");
  assert.deepEqual(server.said.slice(0, 9), [
    "EHLO me.example",
    "STARTTLS",
    "tls",
    "EHLO me.example",
    `AUTH PLAIN ${base64("id\0joe\0pass")}`,
    "MAIL FROM:<a@x> BODY=8BITMIME",
    "RCPT TO:<b@x>",
    "RCPT TO:<c@x>",
    "DATA",
  ]);
});

test("mail: nothing is sent where encryption is asked for and there is none, or nobody vouches for it", async () => {
  const plain = await mailServer([]);
  assert.match(await send(plain), /^! /);
  assert.ok(!plain.said.some((line) => line.startsWith("MAIL")));
  const stranger = await mailServer(["STARTTLS"]);
  assert.match(await send(stranger, { tls: {} }), /^! .*certificate/);
  assert.ok(!stranger.said.some((line) => line.startsWith("MAIL")));
});

test("mail: where no encryption is asked for, none is used, and no password goes out for what is not offered", async () => {
  const server = await mailServer(["STARTTLS", "AUTH XOAUTH2"]);
  assert.match(await send(server, { requiresTls: false, username: "joe" }), /^! .*unknown auth mechanism: XOAUTH2/);
  assert.deepEqual(
    server.said.filter((line) => /STARTTLS|AUTH|pass/.test(line)),
    [],
  );
});

test("mail: the first mechanism that there are credentials for", async () => {
  const login = await mailServer(["AUTH LOGIN PLAIN"]);
  assert.equal(await send(login, { requiresTls: false, username: "joe" }), "250 taken");
  assert.deepEqual(login.said.slice(1, 4), ["AUTH LOGIN", base64("joe"), base64("pass")]);
  const cram = await mailServer(["AUTH CRAM-MD5"]);
  assert.equal(await send(cram, { requiresTls: false, username: "joe" }), "250 taken");
  const digest = createHmac("md5", "secret").update("<challenge>").digest("hex");
  assert.equal(cram.said[2], base64(`joe ${digest}`));
});

test("mail: refusals are told, and a server that says nothing is given up in time", async () => {
  const refusing = await mailServer([], { RCPT: "550 nobody here" });
  assert.match(await send(refusing, { requiresTls: false }), /^! .*550|nobody/);
  const silent = createServer(() => {});
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  const { port } = silent.address() as { port: number };
  const server: MailServer = { port, said: [], close: () => silent.close() };
  const aborter = new AbortController();
  setTimeout(() => aborter.abort("context deadline exceeded"), 100);
  assert.equal(await send(server, { requiresTls: false }, aborter.signal), "! context deadline exceeded");
});
