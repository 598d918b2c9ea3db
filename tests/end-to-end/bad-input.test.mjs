// Each wrong input gets one clear sentence, and nothing that is stored is harmed.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { freePort, Program, runToEnd, scratch } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

test("server: a wrong configuration ends the start with its place, and exit code 2", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "global:\n  scrape_interval: 15s\n  scrape_intervall: 15s\n");
  const { code, stderr } = await runToEnd(["server", `--config.file=${file}`, `--storage.tsdb.path=${folder}/data`]);
  assert.equal(code, 2);
  assert.match(stderr, /prometheus\.yml:3:3: .*field scrape_intervall not found in type config\.plain/);
});

test("server: a missing configuration file is named", async (t) => {
  const folder = scratch(t);
  const { code, stderr } = await runToEnd([
    "server",
    `--config.file=${folder}/none.yml`,
    `--storage.tsdb.path=${folder}/data`,
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /none\.yml.*no such file or directory/);
});

test("server: a wrong flag is named, with exit code 1", async () => {
  const { code, stderr } = await runToEnd(["server", "--bogus"]);
  assert.equal(code, 1);
  assert.match(stderr, /unknown long flag '--bogus'/);
});

test("server: a busy port is named, with exit code 1", async (t) => {
  const folder = scratch(t);
  const busy = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => busy.once("listening", done));
  t.after(() => busy.close());
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "scrape_configs: []\n");
  const { port } = busy.address();
  const { code, stderr } = await runToEnd([
    "server",
    `--config.file=${file}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*address already in use`));
});

test("server: a data folder that cannot be written is named, with exit code 1", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "scrape_configs: []\n");
  writeFileSync(join(folder, "occupied"), "");
  const { code, stderr } = await runToEnd([
    "server",
    `--config.file=${file}`,
    `--storage.tsdb.path=${folder}/occupied/data`,
    `--web.listen-address=127.0.0.1:${await freePort()}`,
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /occupied/);
});

test("server: a data folder that a file system refuses to make ends the start, it does not spin", {
  skip: process.platform === "linux" ? false : "there is no /proc here",
}, async (t) => {
  const folder = scratch(t);
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "scrape_configs: []\n");
  const { code, stderr } = await runToEnd([
    "server",
    `--config.file=${file}`,
    "--storage.tsdb.path=/proc/none",
    `--web.listen-address=127.0.0.1:${await freePort()}`,
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /\/proc\/none/);
});

test("server: a data folder in use by another server is refused, and that server goes on", async (t) => {
  const program = await Program.start(t, { config: "scrape_configs: []\n" });
  const { code, stderr } = await runToEnd([
    "server",
    `--config.file=${program.configFile}`,
    `--storage.tsdb.path=${program.dataFolder}`,
    `--web.listen-address=127.0.0.1:${await freePort()}`,
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /lock/);
  assert.equal((await fetch(`${program.url}/-/healthy`)).status, 200);
});

test("server: a read-only data folder is named", {
  skip: process.getuid?.() === 0 ? "the user is root, whom no folder refuses" : false,
}, async (t) => {
  const folder = scratch(t);
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "scrape_configs: []\n");
  mkdirSync(join(folder, "data"));
  chmodSync(join(folder, "data"), 0o500);
  const { code, stderr } = await runToEnd(["server", `--config.file=${file}`, `--storage.tsdb.path=${folder}/data`]);
  assert.equal(code, 1);
  assert.match(stderr, /permission denied|EACCES/);
});

test("server: targets that hang, flood, bomb or babble show one clear error each; a good one is not disturbed", async (t) => {
  const piece = Buffer.from(`flood_total{x="${"y".repeat(1000)}"} 1\n`.repeat(1000));
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024, "a 1\n"), { level: 9 });
  let good = 0;
  const jobs = {
    good: await startTarget(t, () => `good_total ${++good}\n`),
    hangs: await startTarget(t, () => undefined),
    floods: await startTarget(t, (_, response) => {
      response.setHeader("Content-Type", "text/plain");
      const send = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on("drain", send);
      send();
    }),
    bombs: await startTarget(t, (_, response) => {
      response.setHeader("Content-Type", "text/plain");
      response.setHeader("Content-Encoding", "gzip");
      response.end(bomb);
    }),
    babbles: await startTarget(t, () => "this is {no exposition\n\u0000"),
    resets: await startTarget(t, (request) => void request.socket.resetAndDestroy()),
  };
  const config = configFor(jobs).replaceAll("    static_configs", "    body_size_limit: 50MB\n    static_configs");
  const program = await Program.start(t, { config });
  await program.until("sum(count_over_time(good_total[1m])) > 6", (result) => result.length === 1);
  const { activeTargets } = await program.api("/targets");
  const errors = Object.fromEntries(
    activeTargets.map(({ scrapePool, lastError, health }) => [scrapePool, `${health}: ${lastError}`]),
  );
  assert.match(errors.good, /^up: $/);
  assert.match(errors.hangs, /^down: Get "http:.*": context deadline exceeded$/);
  assert.match(errors.floods, /^down: (body size limit exceeded|.*context deadline exceeded)/);
  assert.match(errors.bombs, /^down: body size limit exceeded/);
  assert.match(errors.babbles, /^down: .*while parsing/);
  assert.match(errors.resets, /^down: Get "http:.*": (EOF|.*connection reset by peer)/);
  const [{ values }] = await program.query("good_total[1m]");
  const gaps = values.slice(1).map(([time], i) => time - values[i][0]);
  for (const gap of gaps) assert.ok(Math.abs(gap - 1) < 0.25, `a gap of ${gap} s between scrapes of the good target`);
  const [{ value }] = await program.query("process_resident_memory_bytes or vector(0)");
  assert.ok(Number(value[1]) < 1.5e9);
});

test("server: a broken configuration is refused on reload, and what ran goes on", async (t) => {
  let served = 0;
  const address = await startTarget(t, () => `kept_total ${++served}\n`);
  const program = await Program.start(t, { config: configFor({ kept: address }) });
  await program.until("kept_total", ([first]) => Number(first?.value[1]) > 1);
  writeFileSync(program.configFile, "scrape_configs: [{job_name: a}, {job_name: a}]\n");
  const answer = await fetch(`${program.url}/-/reload`, { method: "POST" });
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /found multiple scrape configs with job name "a"/);
  const seen = served;
  await program.until("kept_total", ([first]) => Number(first?.value[1]) > seen + 1);
});

test("server: a reload tells what changed, part by part; a broken rule file or log path takes nothing down", async (t) => {
  let served = 0;
  const address = await startTarget(t, () => `kept_total ${++served}\n`);
  const folder = scratch(t);
  const job = (name) => `- {job_name: ${name}, static_configs: [{targets: ["${address}"]}]}\n`;
  const text = (jobs, rest = "") =>
    `global: {scrape_interval: 1s}\nrule_files: ["${folder}/*.rules"]\n${rest}scrape_configs:\n${jobs.map(job).join("")}`;
  writeFileSync(join(folder, "a.rules"), "groups: [{name: g, interval: 1s, rules: [{record: r, expr: vector(1)}]}]");
  const program = await Program.start(t, { config: text(["kept", "gone"]), folder });
  await program.until('r and on() kept_total{job="kept"}', (found) => found.length === 1);
  const reload = async () => {
    const answer = await fetch(`${program.url}/-/reload`, { method: "POST" });
    return [answer.status, await answer.text()];
  };

  writeFileSync(program.configFile, text(["kept", "come"], "storage: {tsdb: {out_of_order_time_window: 1m}}\n"));
  assert.deepEqual(await reload(), [200, ""]);
  assert.match(
    program.log,
    /level=INFO .*msg="The configuration changed" jobs_added=come jobs_removed=gone sections_changed=storage\n/,
  );
  assert.match(
    program.log,
    /msg="Completed loading of configuration file" db_storage=\S+ remote_storage=\S+ .*query_engine=\S+ scrape=\S+ scrape_sd=\S+ .*rules=\S+ .*filename=\S+ totalDuration=/,
  );

  writeFileSync(join(folder, "b.rules"), "groups: [{name: h, rules: [{record: s, expr: 'sum('}]}]");
  const [status, message] = await reload();
  assert.equal(status, 500);
  assert.match(message, /^failed to reload config: couldn't load configuration \(--config\.file=".*"\): .*b\.rules/);
  writeFileSync(join(folder, "b.rules"), "groups: []");

  writeFileSync(program.configFile, `${text(["kept"]).replace("1s}", "1s, query_log_file: /nowhere/q.log}")}`);
  const partly = await reload();
  assert.equal(partly[0], 500);
  assert.match(partly[1], /one or more errors occurred while applying the new configuration \(--config\.file=/);
  assert.match(program.log, /msg="Failed to apply configuration" part=query_engine err="can't create json log file: /);
  // All other parts are in force.
  assert.deepEqual(await program.api("/scrape_pools"), { scrapePools: ["kept"] });
  const seen = served;
  await program.until('kept_total{job="kept"} and on() r', ([first]) => Number(first?.value[1]) > seen + 1);
});
