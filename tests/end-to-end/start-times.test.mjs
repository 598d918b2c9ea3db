// Start timestamps from a target's page to a query's answer, over a kill, and the settings that store them.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, Program, runToEnd, scratch } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const INCOMPATIBLE =
  /float chunk encoding .?"xor.?" is incompatible with start-timestamp storage; XOR chunks do not store start timestamps, use .?"xor2.?"/;
const floats = (name) => `storage: {tsdb: {chunk_encoding: {floats: ${name}}}}\n`;

test("server: start timestamps of a target are stored, survive a kill, and queries see them", async (t) => {
  const created = Math.floor(Date.now() / 1000) - 1000;
  const target = await startTarget(t, (_, response) => {
    response.setHeader("Content-Type", "application/openmetrics-text; version=1.0.0");
    response.end(`# TYPE c counter\nc_total 5\nc_created ${created}\n# EOF\n`);
  });
  const features = "st-storage,histograms-st-encoding,use-start-timestamps,promql-experimental-functions";
  const program = await Program.start(t, {
    config: configFor({ a: target }) + floats("xor2"),
    flags: [`--enable-feature=${features}`],
  });
  const isThere = (result) => result.length === 1 && Number(result[0].value[1]) === created;
  await program.until("start_timestamp(c_total)", isThere);
  assert.deepEqual(await program.query("c_created"), []);
  await program.kill();
  program.launch();
  await program.ready();
  await program.until("start_timestamp(c_total offset 2s)", isThere);
  // A reload that would lose them is refused, and what runs goes on.
  writeFileSync(program.configFile, configFor({ a: target }) + floats("xor"));
  const answer = await fetch(`${program.url}/-/reload`, { method: "POST" });
  assert.equal(answer.status, 500);
  assert.match(
    await answer.text(),
    /one or more errors occurred while applying the new configuration \(--config\.file=/,
  );
  assert.match(program.log, INCOMPATIBLE);
  assert.match(JSON.stringify(await program.api("/status/config")), /xor2/);
  // A configuration that does not say it stands for what the start made of it.
  writeFileSync(program.configFile, configFor({ a: target }));
  assert.equal((await fetch(`${program.url}/-/reload`, { method: "POST" })).status, 200);
  assert.doesNotMatch(program.log, /does not exist yet/);
});

test("server: start timestamps are not stored with xor: the start is refused, with exit code 1", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "prometheus.yml");
  for (const [config, features] of [
    ["scrape_configs: []\n", "st-storage"],
    [floats("xor"), "st-storage,xor2-encoding"],
  ]) {
    writeFileSync(file, config);
    const { code, stderr } = await runToEnd([
      "server",
      `--config.file=${file}`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${await freePort()}`,
      `--enable-feature=${features}`,
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /opening storage failed: /);
    assert.match(stderr, INCOMPATIBLE);
  }
});
