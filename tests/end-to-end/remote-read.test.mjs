// Remote read between whole programs: what one has, a query of the other sees.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Peer, withoutPeer } from "../lib/peer.mjs";
import { freePort, Program } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const SERIES = 40;

function page(t) {
  let scrapes = 0;
  return startTarget(t, () => {
    scrapes++;
    return Array.from({ length: SERIES }, (_, i) => `read_total{series="${i}"} ${scrapes * 100 + i / 7}\n`).join("");
  });
}

function reading(...entries) {
  return `global: {scrape_interval: 15s, external_labels: {reader: me}}\nremote_read:\n${entries
    .map((entry) => `  - ${JSON.stringify(entry)}\n`)
    .join("")}`;
}

const EXTERNAL = "external_labels: {reader: me}, ";

/** Everything of the job in a window, by series. */
async function samplesOf(program, end) {
  const result = await program.query('{job="r"}[30s]', { time: String(end) });
  return new Map(result.map(({ metric, values }) => [JSON.stringify(Object.entries(metric).sort()), values]));
}

/** That `reader` answers what `source` has, in every way of asking. */
async function assertReads(source, reader) {
  await source.until("count(count_over_time(read_total[1m]) > 8)", ([first]) => first?.value[1] === String(SERIES));
  await sleep(300);
  const end = Math.floor(Date.now() / 1000);
  const expected = await samplesOf(source, end);
  assert.ok(expected.size >= SERIES);
  assert.deepEqual(await samplesOf(reader, end), expected);
  for (const query of [
    "sum(rate(read_total[5s]))",
    'sum by (job) (max_over_time(read_total{series=~"1.*"}[4s] offset 1s))',
    "max_over_time(sum(read_total)[5s:1s])",
    "topk(3, read_total) / on (series) read_total",
  ]) {
    const params = { query, start: String(end - 5), end: String(end), step: "1" };
    const { result } = await source.api("/query_range", params);
    assert.deepEqual((await reader.api("/query_range", params)).result, result, query);
  }
  const params = { "match[]": 'read_total{series="1"}' };
  assert.deepEqual(await reader.api("/series", params), await source.api("/series", params));
}

test("server: queries see what another server has, and a dead one is a warning", async (t) => {
  const target = await page(t);
  const config = configFor({ r: target }, "250ms").replace("{scrape", `{${EXTERNAL}scrape`);
  const source = await Program.start(t, { config });
  const dead = { url: `http://127.0.0.1:${await freePort()}/`, read_recent: true };
  const alive = { url: `${source.url}/api/v1/read`, read_recent: true };
  const reader = await Program.start(t, { config: reading(alive, { ...dead, required_matchers: { job: "dead" } }) });
  await assertReads(source, reader);
  const answer = await fetch(`${reader.url}/api/v1/query?query=up{job="dead"}`);
  const { status, warnings } = await answer.json();
  assert.equal(status, "success");
  assert.match(warnings[0], /^remote_read: error sending request: Post .*connect: connection refused$/);
  assert.equal(warnings.length, 1);
});

test("server and Prometheus: each reads from the other", { skip: withoutPeer }, async (t) => {
  const target = await page(t);
  const config = configFor({ r: target }, "250ms").replace("{scrape", `{${EXTERNAL}scrape`);
  const source = await Peer.start(t, { config });
  const readFrom = ({ url }) => reading({ url: `${url}/api/v1/read`, read_recent: true });
  await assertReads(source, await Program.start(t, { config: readFrom(source) }));
  const own = await Program.start(t, { config });
  await assertReads(own, await Peer.start(t, { config: readFrom(own) }));
});
