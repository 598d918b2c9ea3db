// Starts our Alertmanager, or the reference's where it is installed, and catches what they send.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, scratch } from "./program.mjs";

const root = resolve(import.meta.dirname, "../..");
const COMMAND = join(root, "node_modules/.bin/narthex");
const READY_WITHIN_MS = 30_000;
/** Where Debian's build of the reference looks for its templates, wherever it is itself. */
const DEBIAN_TEMPLATES = "share/prometheus/alertmanager/default.tmpl";

/** How the reference's programs are started, or why they are not. They are looked for in `PEERS_DIR`, then in the PATH. */
export const reference = findReference();

function findReference() {
  const peers = join(process.env.PEERS_DIR ?? join(homedir(), ".cache/monitoring-peers"), "root/usr/bin");
  const folders = [peers, ...(process.env.PATH ?? "").split(delimiter)].filter(Boolean);
  const find = (...names) => folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
  const alertmanager = find("prometheus-alertmanager", "alertmanager");
  const amtool = find("amtool");
  if (alertmanager === undefined || amtool === undefined)
    return { missing: "the reference's alertmanager and amtool are not installed" };
  const share = join(dirname(alertmanager), "../share");
  const isDebian = existsSync(join(share, "..", DEBIAN_TEMPLATES)) && !existsSync(join("/usr", DEBIAN_TEMPLATES));
  if (!isDebian) return { command: [alertmanager], amtool: [amtool] };
  // Its files are elsewhere than it was built to find them: in a mount namespace of its own they are there.
  const script = `mount --bind '${share}' /usr/share && exec "$@"`;
  const inside = (program) => ["unshare", "-m", "sh", "-c", script, "sh", program];
  const [first, ...rest] = inside(alertmanager);
  if (spawnSync(first, [...rest, "--version"]).status !== 0)
    return {
      missing: "the reference's alertmanager needs its templates under /usr/share, and may not mount them there",
    };
  return { command: inside(alertmanager), amtool: inside(amtool) };
}

/** One running Alertmanager; `test` kills it at the end. */
export class Alertmanager {
  /** `command` starts it: ours unless the reference's is given. */
  static async start(test, { config, command = [COMMAND, "alertmanager"], folder = scratch(test), flags = [], port }) {
    const program = new Alertmanager(port ?? (await freePort()), folder, command, flags);
    writeFileSync(program.configFile, config);
    test.after(() => program.kill());
    program.launch();
    await program.ready();
    return program;
  }

  constructor(port, folder, command, flags) {
    this.port = port;
    this.folder = folder;
    this.command = command;
    this.flags = flags;
    this.configFile = join(folder, "alertmanager.yml");
    this.dataFolder = join(folder, "data");
    this.url = `http://127.0.0.1:${port}`;
    this.log = "";
    this.stdout = "";
  }

  launch() {
    const [program, ...args] = this.command;
    args.push(
      `--config.file=${this.configFile}`,
      `--storage.path=${this.dataFolder}`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      "--web.external-url=http://am.example/x",
      "--web.route-prefix=/",
      ...(this.flags.some((flag) => flag.startsWith("--cluster.listen-address")) ? [] : ["--cluster.listen-address="]),
      ...this.flags,
    );
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (text) => (this.stdout += text));
    child.stderr.on("data", (text) => (this.log += text));
    this.child = child;
    this.exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  }

  async ready() {
    let ended;
    this.exited.then((how) => (ended = how));
    for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until; await sleep(20)) {
      if (ended) throw new Error(`it ended (${JSON.stringify(ended)}) before it was ready:\n${this.log}`);
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.status === 200) return;
    }
    throw new Error(`not ready within ${READY_WITHIN_MS} ms:\n${this.log}`);
  }

  async kill(signal = "SIGKILL") {
    this.child.kill(signal);
    return this.exited;
  }

  /** Calls the API. Resolves with status, headers that matter, and the body as text. */
  async call(path, { method = "GET", body, headers = {} } = {}) {
    const answer = await fetch(this.url + path, {
      method,
      redirect: "manual",
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const shown = ["content-type", "allow", "location", "access-control-allow-origin", "cache-control"];
    return {
      status: answer.status,
      headers: Object.fromEntries(shown.map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value)),
      body: await answer.text(),
    };
  }

  /** The same for an answer that must be a success; resolves with the parsed body. */
  async api(path, options) {
    const { status, body } = await this.call(`/api/v2${path}`, options);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`);
    return body === "" ? undefined : JSON.parse(body);
  }

  /** Runs the reference's amtool against it. Resolves with exit code and outputs. */
  amtool(...args) {
    const [program, ...rest] = reference.amtool;
    const run = spawnSync(program, [...rest, `--alertmanager.url=${this.url}`, ...args], { encoding: "utf8" });
    return { code: run.status, stdout: run.stdout, stderr: run.stderr };
  }

  /** Resident memory in bytes, and processor time in seconds. */
  usage() {
    const { pid } = this.child;
    const children = spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" })
      .stdout.trim()
      .split("\n")[0];
    const real = children === "" ? pid : children;
    const text = execFileSync("ps", ["-o", "rss=,cputimes=", "-p", String(real)], { encoding: "utf8" });
    const [rss, cpu] = text.trim().split(/\s+/).map(Number);
    return { rssBytes: rss * 1024, cpuSeconds: cpu };
  }
}

/** Takes notifications over HTTP: `requests` in the order of their coming. `answer(request)` gives `{status, body}`. */
export class Catcher {
  static async start(test, answer = () => ({})) {
    const catcher = new Catcher(answer);
    await new Promise((done) => catcher.server.listen(0, "127.0.0.1", done));
    catcher.port = catcher.server.address().port;
    test.after(() => {
      catcher.server.close();
      catcher.server.closeAllConnections();
    });
    return catcher;
  }

  constructor(answer) {
    this.requests = [];
    this.server = createHttpServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      const { method, url, headers } = request;
      const caught = { method, url, headers, body: Buffer.concat(parts).toString() };
      this.requests.push(caught);
      const { status = 200, body = "", type = "application/json" } = answer(caught) ?? {};
      response.writeHead(status, { "Content-Type": type }).end(body);
    });
  }

  of(prefix) {
    return this.requests.filter(({ url }) => url.startsWith(prefix));
  }

  /** Resolves once so many requests have come in under the path. */
  async until(prefix, count, withinMs = 15_000) {
    for (const end = Date.now() + withinMs; Date.now() < end; await sleep(20))
      if (this.of(prefix).length >= count) return this.of(prefix);
    throw new Error(`${this.of(prefix).length} of ${count} requests came to ${prefix}`);
  }
}

/** Takes mails over SMTP without encryption; each is `{from, to, data}`. */
export class MailCatcher {
  static async start(test) {
    const catcher = new MailCatcher();
    await new Promise((done) => catcher.server.listen(0, "127.0.0.1", done));
    catcher.port = catcher.server.address().port;
    test.after(() => catcher.server.close());
    return catcher;
  }

  constructor() {
    this.mails = [];
    this.server = createTcpServer((socket) => this.#serve(socket));
  }

  #serve(socket) {
    let buffered = "";
    let mail = { to: [] };
    let isData = false;
    const say = (line) => socket.write(`${line}\r\n`);
    socket.on("error", () => {});
    say("220 catcher ESMTP");
    socket.on("data", (bytes) => {
      buffered += bytes.toString("latin1");
      for (;;) {
        const mark = isData ? "\r\n.\r\n" : "\r\n";
        const end = buffered.indexOf(mark);
        if (end < 0) return;
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + mark.length);
        if (isData) {
          isData = false;
          this.mails.push({ ...mail, data: line.replace(/\r\n\.\./g, "\r\n.") });
          mail = { to: [] };
          say("250 taken");
        } else if (/^EHLO/i.test(line)) {
          this.hello = line;
          say("250-catcher\r\n250 8BITMIME");
        } else if (/^MAIL/i.test(line)) {
          mail.from = line;
          say("250 ok");
        } else if (/^RCPT/i.test(line)) {
          mail.to.push(line);
          say("250 ok");
        } else if (/^DATA/i.test(line)) {
          isData = true;
          say("354 go on");
        } else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
        else say("502 what?");
      }
    });
  }
}

/** Waits until `check` returns something, and returns that. */
export async function eventually(check, withinMs = 15_000) {
  let last;
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(50)) {
    last = await check();
    if (last) return last;
  }
  throw new Error("it did not come to pass in time");
}
