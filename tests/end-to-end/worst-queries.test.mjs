// No query, however made, blocks the main thread, ends the process or takes more memory than it is allowed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const SERIES = 10_000;
/** The bound is 20 ms on a machine of its own; tests share theirs with others. */
const MAX_HEALTHY_MS = 150;
/** Two workers with the rows of one query each (1 GiB), and everything else. */
const MAX_RSS_BYTES = 3.5 * 2 ** 30;
const TIMEOUT = "4s";

const percentile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)];
const wideBody = (served) =>
  Array.from(
    { length: SERIES },
    (_, i) => `wide_total{part="${i % 50}",series="${"a".repeat(20)}${i}"} ${served * 10 + i}\n`,
  ).join("");

/** Name, query and, for range queries, how far back and in how many steps. */
const WORST = [
  ["11,000 steps of every series", "wide_total", 280, 11_000],
  ["a window of a day at 11,000 steps", "quantile_over_time(0.5, wide_total[1d])", 280, 11_000],
  ["all time", "sum(rate(wide_total[5m]))", 1_700_000_000, 11_000],
  ["a sort of everything at each step", "topk(5000, wide_total)", 280, 11_000],
  ["every value as a label", 'count_values("v", wide_total * time())', 280, 11_000],
  ["nested subqueries", "max_over_time(max_over_time(max_over_time(wide_total[1d:1s])[1d:1s])[1d:1s])"],
  ["nested subqueries of a number", "sum_over_time(sum_over_time(vector(1)[1d:1s])[30d:1s])"],
  ["a century of milliseconds", "sum_over_time(vector(1)[100y:1ms])"],
  ["nested quantifiers", 'wide_total{series=~"((a+)+)+b"}'],
  ["nested stars", 'wide_total{series=~"((((.*)*)*)*)*x"}'],
  ["a pattern that grows", '{series=~"((a{1,100}){1,100}){1,100}"}'],
  ["back and forth", 'label_replace(wide_total, "x", "$1$2$3$1$2$3", "series", "(.*)(.*)(.*)0")'],
  ["alternatives", `wide_total{series=~"${Array.from({ length: 5000 }, (_, i) => `a*${i}`).join("|")}"}`],
  ["everything with everything", "wide_total * on () group_left () wide_total"],
  ["everything with its part", "wide_total * on (part) group_left () wide_total"],
  ["set operators over all steps", "wide_total and on () wide_total or wide_total", 280, 11_000],
  ["an enormous sum", Array.from({ length: 200_000 }, () => "1").join("+")],
  ["many selectors", Array.from({ length: 2_000 }, () => "wide_total").join(" or ")],
  ["deep parentheses", `${"(".repeat(100_000)}1${")".repeat(100_000)}`],
  ["deep calls", `${"abs(".repeat(20_000)}wide_total${")".repeat(20_000)}`],
  ["signs", `${"-".repeat(200_000)}1`],
  ["an endless string", `label_replace(wide_total, "x", "${"y".repeat(500_000)}", "part", ".*")`],
  ["many matchers", `{${Array.from({ length: 20_000 }, (_, i) => `l${i}=~".*"`).join()}}`],
];

async function startWide(t) {
  let served = 0;
  const wide = await startTarget(t, () => wideBody(++served));
  const program = await Program.start(t, { config: configFor({ wide }, "1s") });
  await program.until("count(wide_total)", ([first]) => first?.value[1] === String(SERIES));
  return program;
}

function ask(program, query, seconds, steps, { signal, timeout = TIMEOUT } = {}) {
  // The samples are seconds old: steps that are still to come find them by their lookback, every one of them.
  const end = Date.now() / 1000 + 280;
  const range = seconds === undefined ? {} : { start: end - seconds, end, step: seconds / (steps - 1) };
  return fetch(`${program.url}/api/v1/${seconds === undefined ? "query" : "query_range"}`, {
    method: "POST",
    body: new URLSearchParams({ query, timeout, ...range }),
    signal,
  });
}

/** Reads an answer without keeping it; returns its first and last bytes. */
async function skim(response) {
  let head = "";
  let tail = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (head.length < 2000) head += Buffer.from(chunk).toString("latin1").slice(0, 2000);
    tail = (tail + Buffer.from(chunk.subarray(-100)).toString("latin1")).slice(-100);
  }
  return { head, tail, bytes };
}

async function runningQueries(program) {
  const text = await (await fetch(`${program.url}/metrics`)).text();
  return Number(/^prometheus_engine_queries (\d+)/m.exec(text)?.[1]);
}

test("server: the worst queries get an answer or a clear error, while /-/healthy stays quick and memory bounded", async (t) => {
  const program = await startWide(t);
  const healthy = [];
  let slowest = "";
  let asking = "";
  let largest = 0;
  const stop = new AbortController();
  const watching = (async () => {
    for (; !stop.signal.aborted; await sleep(15)) {
      const started = performance.now();
      const { status } = await fetch(`${program.url}/-/healthy`);
      const took = performance.now() - started;
      assert.equal(status, 200);
      if (took > Math.max(0, ...healthy)) slowest = `${asking}: ${took.toFixed(0)} ms`;
      healthy.push(took);
      const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, "utf8"))?.[1]) * 1024;
      largest = Math.max(largest, rss);
    }
  })();
  for (const [name, query, seconds, steps] of WORST) {
    asking = name;
    const started = performance.now();
    const response = await ask(program, query, seconds, steps);
    const { head, tail, bytes } = await skim(response);
    const took = performance.now() - started;
    if (response.status === 200) {
      assert.match(head, /^\{"status":"success","data":\{/, name);
      assert.match(tail, /\}$/, name);
    } else {
      const { status, errorType, error } = JSON.parse(head.length < 2000 ? head : `${head.slice(0, 1900)}"}`);
      assert.equal(status, "error", name);
      assert.match(errorType, /^(bad_data|execution|timeout|canceled)$/, `${name}: ${head}`);
      assert.ok(error.length > 10, name);
    }
    const what = response.status === 200 ? `${bytes} bytes` : head.slice(0, 160);
    t.diagnostic(`${name}: ${response.status} after ${took.toFixed(0)} ms, ${what}`);
    assert.ok(took < 30_000, `${name} took ${took} ms`);
  }
  stop.abort();
  await watching;
  const p99 = percentile(healthy, 0.99);
  t.diagnostic(
    `/-/healthy: p50 ${percentile(healthy, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, slowest ${slowest}`,
  );
  t.diagnostic(`largest resident size ${(largest / 2 ** 20).toFixed(0)} MiB`);
  assert.ok(p99 < MAX_HEALTHY_MS, `p99 of /-/healthy is ${p99} ms, slowest ${slowest}`);
  assert.ok(largest < MAX_RSS_BYTES, `${largest} bytes resident`);
  const [count] = await program.query("count(wide_total)");
  assert.equal(count?.value[1], String(SERIES));
});

test("server: a query whose client went away stops, and its worker is free for the next", async (t) => {
  const program = await startWide(t);
  const heavy = "sum by (part) (quantile_over_time(0.9, rate(wide_total[5m])[5m:1s]))";
  const leaving = new AbortController();
  const asked = Array.from({ length: 4 }, () =>
    ask(program, heavy, 280, 10_000, { signal: leaving.signal, timeout: "60s" }).then(
      (response) => `answered ${response.status}`,
      (error) => error.name,
    ),
  );
  const until = async (count) => {
    for (let tries = 0; tries < 1000 && (await runningQueries(program)) !== count; tries++) await sleep(10);
    return runningQueries(program);
  };
  assert.equal(await until(4), 4);
  leaving.abort();
  assert.deepEqual(await Promise.all(asked), ["AbortError", "AbortError", "AbortError", "AbortError"]);
  assert.equal(await until(0), 0);
  // Wide enough to need a worker.
  const answer = await ask(program, "count(rate(wide_total[1m]) >= 0)", 600, 100);
  assert.equal(answer.status, 200);
});
