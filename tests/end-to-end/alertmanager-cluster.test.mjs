// Alertmanagers in one cluster, ours and the reference's: who knows whom, what reaches whom, and who tells what how often.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Alertmanager, Catcher, eventually, reference } from "../lib/alertmanager.mjs";
import { freePort, scratch } from "../lib/program.mjs";

const PEER_TIMEOUT_SECONDS = 2;
/** A member that stands still is a suspect after about 2 s, and dead 4 s later. */
const NOTICED_WITHIN_MS = 25_000;
const needsReference = { skip: reference.missing ?? false };

const config = (port) => `
route: { receiver: hook, group_by: [g], group_wait: 1s, group_interval: 3s, repeat_interval: 1h }
receivers: [{ name: hook, webhook_configs: [{ url: "http://127.0.0.1:${port}/", send_resolved: true }] }]
`;

/** The way to one member: packets and connections go through while it is open. */
class Gate {
  static async open(test, target) {
    const gate = new Gate();
    gate.isOpen = true;
    gate.connections = new Set();
    gate.server = createServer((from) => {
      const to = connect(target, "127.0.0.1");
      for (const socket of [from, to]) {
        gate.connections.add(socket);
        socket.on("error", () => {}).on("close", () => gate.connections.delete(socket));
      }
      // A connection to a closed gate is taken, and nothing comes of it.
      if (gate.isOpen) from.pipe(to).pipe(from);
    });
    await new Promise((done) => gate.server.listen(0, "127.0.0.1", done));
    gate.port = gate.server.address().port;
    gate.udp = createSocket("udp4");
    gate.udp.on("message", (packet) => gate.isOpen && gate.udp.send(packet, target, "127.0.0.1"));
    await new Promise((done) => gate.udp.bind(gate.port, "127.0.0.1", done));
    test.after(() => {
      gate.shut();
      gate.server.close();
      gate.udp.close();
    });
    return gate;
  }

  shut() {
    this.isOpen = false;
    for (const socket of this.connections) socket.destroy();
  }
}

/** Members by name; names sort as places do. `kinds` says which program each is. */
class Cluster {
  static async start(test, kinds, flags = [], { hasGates = false } = {}) {
    const cluster = new Cluster();
    cluster.catcher = await Catcher.start(test);
    cluster.members = {};
    const ports = await Promise.all(kinds.map(() => freePort()));
    // Others reach a member by its gate, where there are gates.
    const gates = hasGates ? await Promise.all(ports.map((port) => Gate.open(test, port))) : [];
    cluster.gates = gates;
    const seenAs = ports.map((port, i) => gates[i]?.port ?? port);
    for (const [i, kind] of kinds.entries()) {
      const name = `m${i}-${kind}`;
      cluster.members[name] = await Alertmanager.start(test, {
        config: config(cluster.catcher.port),
        ...(kind === "reference" ? { command: reference.command } : {}),
        flags: [
          `--cluster.listen-address=127.0.0.1:${ports[i]}`,
          `--cluster.peer-name=${name}`,
          ...(hasGates ? [`--cluster.advertise-address=127.0.0.1:${seenAs[i]}`] : []),
          ...seenAs.filter((_, other) => other !== i).map((port) => `--cluster.peer=127.0.0.1:${port}`),
          `--cluster.peer-timeout=${PEER_TIMEOUT_SECONDS}s`,
          "--cluster.settle-timeout=3s",
          "--cluster.reconnect-interval=1s",
          "--log.level=debug",
          ...flags,
        ],
      });
    }
    return cluster;
  }

  get all() {
    return Object.values(this.members);
  }

  /** Resolves to how long it took until these members see just themselves. */
  async see(names, withinMs = NOTICED_WITHIN_MS) {
    const started = performance.now();
    await eventually(async () => {
      for (const name of names) {
        const { cluster } = await this.members[name].api("/status");
        if (`${cluster.peers.map((peer) => peer.name)}` !== `${names}`) return false;
      }
      return true;
    }, withinMs);
    return Math.round(performance.now() - started);
  }

  async ready() {
    for (const member of this.all)
      await eventually(async () => (await member.api("/status")).cluster.status === "ready");
  }

  /** The same alert of each group to all members, as a server does it; those that do not listen are left out. */
  async alert(groups, { resolved = false, to = this.all } = {}) {
    const now = Date.now();
    const alerts = groups.map((g) => ({
      labels: { alertname: "A", g },
      startsAt: new Date(now - 60_000).toISOString(),
      endsAt: new Date(resolved ? now - 1000 : now + 600_000).toISOString(),
    }));
    await Promise.all(to.map((member) => member.api("/alerts", { method: "POST", body: alerts })));
  }

  /** How often each group was told. */
  told(status) {
    const counts = {};
    for (const { body } of this.catcher.requests) {
      const message = JSON.parse(body);
      if (message.status !== status) continue;
      counts[message.groupLabels.g] = (counts[message.groupLabels.g] ?? 0) + 1;
    }
    return counts;
  }

  /** Waits until all groups were told, and then so long that everybody else would have told them too. */
  async untilTold(groups, status, withinMs = 30_000) {
    const started = performance.now();
    await eventually(() => groups.every((g) => this.told(status)[g] > 0), withinMs);
    const tookMs = Math.round(performance.now() - started);
    await sleep((this.all.length * PEER_TIMEOUT_SECONDS + 3) * 1000);
    return tookMs;
  }
}

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** Certificates of one authority for 127.0.0.1, and the file that names them for members of a cluster. */
function tlsConfig(folder) {
  const openssl = (...args) => assert.equal(spawnSync("openssl", args, { cwd: folder }).status, 0, args.join(" "));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ca");
  openssl("req", ...key, "-keyout", "node.key", "-out", "node.csr", "-subj", "/CN=node");
  writeFileSync(join(folder, "node.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
  const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "node.ext"];
  openssl("x509", "-req", "-in", "node.csr", ...signing, "-out", "node.pem");
  const file = join(folder, "cluster-tls.yml");
  writeFileSync(
    file,
    `tls_server_config: { cert_file: node.pem, key_file: node.key, client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert }
tls_client_config: { cert_file: node.pem, key_file: node.key, ca_file: ca.pem }
`,
  );
  return file;
}

const once = (groups) => Object.fromEntries(groups.map((g) => [g, 1]));
const groupsOf = (prefix, count) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

async function silence(member, comment, more = {}) {
  const body = {
    matchers: [{ name: "g", value: `never-${comment.slice(0, 20)}`, isRegex: false, isEqual: true }],
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    createdBy: "test",
    comment,
    ...more,
  };
  return (await member.api("/silences", { method: "POST", body })).silenceID;
}

/** Resolves to how long it took until the silence is there in this state. */
async function untilSilenced(member, id, state = "active") {
  const started = performance.now();
  await eventually(async () => {
    const silences = await member.api("/silences");
    return silences.some((each) => each.id === id && each.status.state === state);
  }, 10_000);
  return Math.round(performance.now() - started);
}

/** What the reference has to complain of; it says so at the level of debugging. */
function complaints(log) {
  return log
    .split("\n")
    .filter((line) => /\[(ERR|ERROR|WARN)\]|level=(ERROR|WARN)|panic/.test(line))
    .filter((line) => !/failed to join cluster|Refuting|connection refused|was able to connect/i.test(line));
}

async function metric(member, name) {
  const { body } = await member.call("/metrics");
  const sums = body.split("\n").filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]));
  return sums.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

// They wait more than they work.
describe("clusters", { concurrency: 4 }, () => {
  for (const kinds of [
    ["ours", "reference"],
    ["reference", "ours"],
    ["ours", "ours"],
  ]) {
    const options = kinds.includes("reference") ? needsReference : {};
    test(
      `a cluster of ${kinds.join(" and ")}: two members, silences both ways, each notification once`,
      options,
      async (t) => {
        const cluster = await Cluster.start(t, kinds);
        const names = Object.keys(cluster.members);
        const [first, second] = cluster.all;
        const seenMs = await cluster.see(names);
        const silencesMs = [];
        for (const [from, to] of [
          [first, second],
          [second, first],
        ])
          for (const comment of ["short", `long: ${"x".repeat(2000)}`]) {
            const id = await silence(from, comment);
            silencesMs.push(await untilSilenced(to, id));
            await to.call(`/api/v2/silence/${id}`, { method: "DELETE" });
            silencesMs.push(await untilSilenced(from, id, "expired"));
          }
        await cluster.ready();
        const groups = groupsOf("g", 8);
        await cluster.alert(groups);
        const toldMs = await cluster.untilTold(groups, "firing");
        assert.deepEqual(cluster.told("firing"), once(groups));
        await cluster.alert(groups, { resolved: true });
        await cluster.untilTold(groups, "resolved");
        assert.deepEqual(cluster.told("resolved"), once(groups));
        assert.equal(await metric(first, "alertmanager_notifications_total"), 2 * groups.length);
        assert.equal(await metric(second, "alertmanager_notifications_total"), 0);
        assert.equal(await metric(first, "alertmanager_peer_position"), 0);
        assert.equal(await metric(second, "alertmanager_peer_position"), 1);
        for (const member of cluster.all) assert.deepEqual(complaints(member.log), []);
        t.diagnostic(
          `members seen after ${seenMs} ms, silences after ${silencesMs.join(" ")} ms, ${groups.length} groups told after ${toldMs} ms`,
        );
      },
    );
  }

  test(
    "a cluster of two of ours and one of the reference's: nothing is told twice, nothing is lost by a kill",
    needsReference,
    async (t) => {
      const cluster = await Cluster.start(t, ["ours", "reference", "ours"]);
      const names = Object.keys(cluster.members);
      const [first, second, third] = cluster.all;
      const seenMs = await cluster.see(names);
      await cluster.ready();

      const together = groupsOf("together", 20);
      await cluster.alert(together);
      await cluster.untilTold(together, "firing");
      assert.deepEqual(cluster.told("firing"), once(together));

      // Whoever comes first dies with the alerts in its hands.
      const orphaned = groupsOf("orphaned", 20);
      await cluster.alert(orphaned);
      await first.kill("SIGKILL");
      const orphanedMs = await cluster.untilTold(orphaned, "firing");
      assert.deepEqual(Object.keys(cluster.told("firing")).length, together.length + orphaned.length);
      const goneMs = await cluster.see(names.slice(1));

      // It comes back with nothing, and gets everything from the others.
      const id = await silence(second, "while away");
      await untilSilenced(third, id);
      rmSync(first.dataFolder, { recursive: true, force: true });
      first.launch();
      await first.ready();
      const backMs = await cluster.see(names);
      const knownMs = await untilSilenced(first, id);
      await cluster.ready();
      const before = cluster.catcher.requests.length;
      await cluster.alert([...together, ...orphaned]);
      await sleep(8000);
      assert.equal(cluster.catcher.requests.length, before, "the log of what was told came back too");
      for (const member of cluster.all) assert.deepEqual(complaints(member.log), []);
      t.diagnostic(
        `members seen after ${seenMs} ms; of ${orphaned.length} orphaned groups told: ${Object.values(cluster.told("firing")).reduce((a, b) => a + b) - together.length} notifications, after ${orphanedMs} ms; gone after ${goneMs} ms, back after ${backMs} ms, its silence ${knownMs} ms later`,
      );
    },
  );

  test("a member that stands still is left out, and comes back by itself", needsReference, async (t) => {
    const cluster = await Cluster.start(t, ["ours", "reference", "ours"]);
    const names = Object.keys(cluster.members);
    const [first, second, third] = cluster.all;
    await cluster.see(names);
    await cluster.ready();
    const diagnostics = [];
    for (const [still, others, othersNames] of [
      [first, [second, third], [names[1], names[2]]],
      [second, [first, third], [names[0], names[2]]],
    ]) {
      const name = names[cluster.all.indexOf(still)];
      const groups = groupsOf(`still-${name}-`, 10);
      still.child.kill("SIGSTOP");
      await cluster.alert(groups, { to: others });
      await eventually(() => groups.every((g) => cluster.told("firing")[g] > 0), 30_000);
      const goneMs = await cluster.see(othersNames);
      const id = await silence(others[1], `while ${name} stood still`);
      await untilSilenced(others[0], id);
      still.child.kill("SIGCONT");
      const backMs = await cluster.see(names);
      const knownMs = await untilSilenced(still, id);
      await cluster.alert(groups);
      await sleep(8000);
      assert.deepEqual(
        groups.filter((g) => !(cluster.told("firing")[g] >= 1)),
        [],
      );
      const notifications = groups.reduce((sum, g) => sum + cluster.told("firing")[g], 0);
      diagnostics.push(
        `${name}: gone after ${goneMs} ms, back after ${backMs} ms, its silence ${knownMs} ms later, ${notifications} notifications of ${groups.length} groups`,
      );
    }
    t.diagnostic(diagnostics.join("; "));
  });

  test(
    "two members that are cut off from each other: each tells everything; together again, they agree and tell nothing twice",
    needsReference,
    async (t) => {
      const flags = ["--cluster.tcp-timeout=2s"];
      const cluster = await Cluster.start(t, ["ours", "reference"], flags, { hasGates: true });
      const names = Object.keys(cluster.members);
      const [first, second] = cluster.all;
      await cluster.see(names);
      await cluster.ready();
      for (const gate of cluster.gates) gate.shut();
      const groups = groupsOf("apart", 5);
      await cluster.alert(groups);
      await eventually(() => groups.every((g) => cluster.told("firing")[g] === 2), 30_000);
      const goneMs = (await cluster.see([names[0]])) + (await cluster.see([names[1]]));
      const ids = [await silence(first, "of the first"), await silence(second, "of the second")];
      for (const gate of cluster.gates) gate.isOpen = true;
      const backMs = await cluster.see(names);
      const knownMs = [await untilSilenced(first, ids[1]), await untilSilenced(second, ids[0])];
      await cluster.alert(groups);
      await sleep(8000);
      assert.deepEqual(cluster.told("firing"), Object.fromEntries(groups.map((g) => [g, 2])));
      t.diagnostic(
        `apart after ${goneMs} ms more, together again after ${backMs} ms, silences ${knownMs.join(" and ")} ms later`,
      );
    },
  );

  test("members of another label are strangers, those of one label are not", needsReference, async (t) => {
    const cluster = await Cluster.start(t, ["ours", "reference"], ["--cluster.label=blue"]);
    const names = Object.keys(cluster.members);
    await cluster.see(names);
    const id = await silence(cluster.all[0], "blue");
    await untilSilenced(cluster.all[1], id);
    const [stranger] = await Promise.all([
      Alertmanager.start(t, {
        config: config(cluster.catcher.port),
        flags: [
          `--cluster.listen-address=127.0.0.1:${await freePort()}`,
          ...cluster.all.map(({ flags }) => flags[0].replace("listen-address", "peer")),
          "--cluster.label=red",
        ],
      }),
    ]);
    await sleep(3000);
    assert.equal((await stranger.api("/status")).cluster.peers.length, 1);
    assert.equal((await cluster.all[0].api("/status")).cluster.peers.length, 2);
  });

  const skip = reference.missing ?? (hasOpenssl ? false : "no openssl to make certificates with");
  test("members that show certificates: silences both ways, each notification once, strangers stay out", {
    skip,
  }, async (t) => {
    const file = tlsConfig(scratch(t));
    const cluster = await Cluster.start(t, ["ours", "reference", "ours"], [`--cluster.tls-config=${file}`]);
    const names = Object.keys(cluster.members);
    const seenMs = await cluster.see(names);
    const silencesMs = [];
    for (const from of cluster.all)
      for (const comment of ["short", `long: ${"x".repeat(2000)}`]) {
        const id = await silence(from, comment);
        for (const to of cluster.all) if (to !== from) silencesMs.push(await untilSilenced(to, id));
      }
    await cluster.ready();
    const groups = groupsOf("g", 8);
    await cluster.alert(groups);
    await cluster.untilTold(groups, "firing");
    assert.deepEqual(cluster.told("firing"), once(groups));
    for (const member of cluster.all) assert.deepEqual(complaints(member.log), []);
    await cluster.all[2].kill("SIGKILL");
    const goneMs = await cluster.see(names.slice(0, 2));
    const stranger = await Alertmanager.start(t, {
      config: config(cluster.catcher.port),
      flags: [
        `--cluster.listen-address=127.0.0.1:${await freePort()}`,
        cluster.all[0].flags[0].replace("listen-address", "peer"),
      ],
    });
    await sleep(2000);
    assert.equal((await stranger.api("/status")).cluster.peers.length, 1);
    assert.equal((await cluster.all[0].api("/status")).cluster.peers.length, 2);
    t.diagnostic(
      `members seen after ${seenMs} ms, silences after ${silencesMs.join(" ")} ms, a killed one gone after ${goneMs} ms`,
    );
  });

  test("a port that is taken: the program ends with one clear sentence", async (t) => {
    const port = await freePort();
    const flags = [`--cluster.listen-address=127.0.0.1:${port}`];
    await Alertmanager.start(t, { config: config(1), flags });
    await assert.rejects(Alertmanager.start(t, { config: config(1), flags }), /unable to initialize gossip mesh/);
  });
});
