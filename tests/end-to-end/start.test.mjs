// `narthex start` as a newcomer runs it: server and Alertmanager come up, know each other, and go together, killed or asked to.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { COMMAND, freePort, scratch } from "../lib/program.mjs";

async function until(what, check, ms = 20_000) {
  for (const giveUpAt = Date.now() + ms; ; ) {
    const found = await check().catch(() => undefined);
    if (found) return found;
    if (Date.now() > giveUpAt) assert.fail(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const answers = (url) =>
  fetch(url).then(
    (response) => response.ok,
    () => false,
  );
const json = async (url) => (await fetch(url)).json();

/** Starts it in a folder of its own. Both places are read from what it prints. */
async function started(t, signal) {
  let child;
  t.after(() => child?.kill("SIGKILL"));
  const folder = scratch(t);
  // Other tests look whether anybody is at the usual places.
  const [port, alertmanagerPort] = [await freePort(), await freePort()];
  child = spawn(COMMAND, [
    "start",
    `--storage.tsdb.path=${folder}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--alertmanager.web.listen-address=127.0.0.1:${alertmanagerPort}`,
  ]);
  const exited = once(child, "exit");
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.resume();
  const [, server, alertmanager] = await until("the announcement", async () =>
    /ready at (http:\/\/[\d.:]+)\/[\s\S]*silences: (http:\/\/[\d.:]+)\//.exec(out),
  );
  await until("the Alertmanager", () => answers(`${alertmanager}/-/ready`));
  return {
    server,
    alertmanager,
    async end() {
      child.kill(signal);
      return exited;
    },
  };
}

test("narthex start: both programs are watched, rules are there, alerts arrive", async (t) => {
  const { server, alertmanager, end } = await started(t, "SIGTERM");
  await until("both targets", async () => {
    const { data } = await json(`${server}/api/v1/query?query=sum(up)`);
    return data.result[0]?.value[1] === "2";
  });
  const rules = await until("the rules' first round", async () => {
    const { data } = await json(`${server}/api/v1/rules`);
    const found = data.groups.flatMap((group) => group.rules.map(({ name, health }) => [name, health]));
    return found.some(([, health]) => health === "unknown") ? undefined : found;
  });
  assert.deepEqual(
    rules,
    ["TargetDown", "RuleFailing", "NotificationsFailing"].map((name) => [name, "ok"]),
  );
  const { data: known } = await json(`${server}/api/v1/alertmanagers`);
  assert.deepEqual(known.activeAlertmanagers, [{ url: `${alertmanager}/api/v2/alerts` }]);
  for (const place of [server, alertmanager]) {
    const profile = await fetch(`${place}/debug/pprof/profile?seconds=0.2`);
    assert.equal(profile.status, 200);
    assert.match(profile.headers.get("content-disposition"), /filename="profile\.pb\.gz"/);
    assert.match(gunzipSync(Buffer.from(await profile.arrayBuffer())).toString("latin1"), /cpu.*nanoseconds/s);
    assert.equal((await fetch(`${place}/debug/pprof/nope`)).status, 404);
    assert.equal((await fetch(`${place}/debug/nope`)).status, 404);
  }
  assert.deepEqual(await end(), [0, null]);
  assert.equal(await answers(`${alertmanager}/-/ready`), false);
});

test("narthex start: killed, it takes the Alertmanager along, which writes its state", async (t) => {
  const { alertmanager, end } = await started(t, "SIGKILL");
  await end();
  await until("the end of the Alertmanager", async () => !(await answers(`${alertmanager}/-/ready`)));
});
