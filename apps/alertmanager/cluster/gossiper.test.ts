// Members among themselves, on a network in memory and a clock turned by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network, TestMember } from "./testing-network.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

async function cluster(
  names: string,
  network = new Network(SEED),
): Promise<{ network: Network; members: TestMember[] }> {
  const members: TestMember[] = [];
  for (const [i, name] of names.split(" ").entries())
    members.push(await new TestMember(network, name, 9000 + i).start());
  const [first, ...others] = members as [TestMember, ...TestMember[]];
  for (const other of others) await other.gossiper.join(first.endpoint);
  await network.clock.turn(2000);
  return { network, members };
}

const views = (members: readonly TestMember[]): string[] => members.map(({ sees }) => sees);

test(`gossip: members that join one of them are known to all of them (seed ${SEED})`, async () => {
  const { members } = await cluster("a b c d e");
  assert.deepEqual(views(members), Array(5).fill("a b c d e"));
});

test(`gossip: messages reach everybody within a second where there are few members (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c d");
  for (let i = 0; i < 20; i++) members[i % 4]?.gossiper.broadcast(Buffer.from(`m${i}`));
  await network.clock.turn(1000);
  assert.deepEqual(
    members.map(({ heard }, i) => new Set([...heard, ...[0, 4, 8, 12, 16].map((m) => `m${m + i}`)]).size),
    [20, 20, 20, 20],
  );
});

test("gossip: of messages, nearly all reach everybody although a third of all packets is lost", async () => {
  let missing = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const { network, members } = await cluster("a b c d e", new Network(seed));
    network.loss = 1 / 3;
    for (let i = 0; i < 20; i++) members[i % 5]?.gossiper.broadcast(Buffer.from(`m${i}`));
    await network.clock.turn(3000);
    for (const [i, { heard }] of members.entries())
      missing += 20 - new Set([...heard, ...[0, 5, 10, 15].map((m) => `m${m + i}`)]).size;
  }
  assert.ok(missing <= 10, `${missing} of 800`);
});

test(`gossip: no packet is longer than 1,400 bytes, however much there is to say (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c");
  for (let i = 0; i < 300; i++)
    members[0]?.gossiper.broadcast(Buffer.from(`${i} ${network.random()} `.repeat(1 + (i % 30))));
  await network.clock.turn(60_000);
  assert.ok(network.maxPacketBytes <= 1400 + 5, `${network.maxPacketBytes} bytes`);
  assert.equal(new Set(members[1]?.heard).size, 300);
});

test(`gossip: a member that is gone is missed by all within 15 seconds, and forgotten later (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c d");
  await members[3]?.gossiper.close();
  await network.clock.turn(15_000);
  assert.deepEqual(views(members.slice(0, 3)), Array(3).fill("a b c"));
  await network.clock.turn(60_000);
  for (const { events } of members.slice(0, 3)) assert.deepEqual(events.slice(-2), ["left d", "forgotten d"]);
});

test(`gossip: half of all packets lost for two minutes makes nobody disappear for good (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c");
  network.loss = 0.5;
  await network.clock.turn(120_000);
  network.loss = 0;
  await network.clock.turn(30_000);
  assert.deepEqual(views(members), Array(3).fill("a b c"));
});

test(`gossip: a member that cannot be reached by packets, but by streams, stays (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b");
  network.loss = 1;
  await network.clock.turn(30_000);
  assert.deepEqual(views(members), ["a b", "a b"]);
});

test(`gossip: whoever leaves is gone at once, and is not looked for (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c");
  const left = members[1]?.gossiper.leave(10_000);
  await network.clock.turn(1500);
  await left;
  assert.deepEqual([members[0]?.sees, members[2]?.sees], ["a c", "a c"]);
});

test(`gossip: halves of a cluster that were apart find together by one exchange (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c d");
  network.reaches = (from, to) => from.port < 9002 === to.port < 9002;
  await network.clock.turn(40_000);
  assert.deepEqual(views(members), ["a b", "a b", "c d", "c d"]);
  network.reaches = () => true;
  await members[0]?.gossiper.join({ host: "10.0.0.1", port: 9003 });
  await network.clock.turn(5000);
  assert.deepEqual(views(members), Array(4).fill("a b c d"));
});

test(`gossip: a member that was killed comes back under its name and address (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b c");
  for (const pauseMs of [0, 20_000]) {
    await members[2]?.gossiper.close();
    await network.clock.turn(pauseMs);
    members[2] = await new TestMember(network, "c", 9002).start();
    await members[2].gossiper.join({ host: "10.0.0.1", port: 9000 });
    await network.clock.turn(12_000);
    assert.deepEqual(views(members), Array(3).fill("a b c"), `after ${pauseMs} ms`);
  }
});

test(`gossip: a name that is taken is refused, until its owner is gone (seed ${SEED})`, async () => {
  const { network, members } = await cluster("a b");
  const double = await new TestMember(network, "b", 9005).start();
  await double.gossiper.join({ host: "10.0.0.1", port: 9000 });
  assert.ok(members[0]?.events.includes("conflict b"));
  await double.gossiper.close();
  await members[1]?.gossiper.close();
  await network.clock.turn(25_000);
  const moved = await new TestMember(network, "b", 9006).start();
  await moved.gossiper.join({ host: "10.0.0.1", port: 9000 });
  await network.clock.turn(5000);
  assert.deepEqual([members[0]?.sees, moved.sees], ["a b", "a b"]);
});

test(`gossip: joining exchanges states, long messages go by streams, another label is a stranger (seed ${SEED})`, async () => {
  const network = new Network(SEED);
  const [a, b] = [new TestMember(network, "a", 9000, "blue"), new TestMember(network, "b", 9001, "blue")];
  a.state = "x".repeat(100_000);
  b.state = "of b";
  await a.start();
  await b.start();
  await b.gossiper.join(a.endpoint);
  assert.deepEqual([a.heard, b.heard], [["state of b"], [`state ${a.state}`]]);
  await a.gossiper.tell(Buffer.from("y".repeat(5000)), b.gossiper.self);
  await network.clock.turn(100);
  assert.equal(b.heard.at(-1), "y".repeat(5000));
  const stranger = await new TestMember(network, "s", 9002, "red").start();
  await assert.rejects(stranger.gossiper.join(a.endpoint), /unexpected EOF/);
  assert.equal(a.sees, "a b");
});

test(`gossip: twenty members, some killed, some new, packets lost: those that are there agree in the end (seed ${SEED})`, async () => {
  const { network, members } = await cluster(Array.from({ length: 20 }, (_, i) => `m${i + 10}`).join(" "));
  network.loss = 0.1;
  for (let round = 0; round < 4; round++) {
    const [gone] = members.splice(1 + Math.floor(network.random() * (members.length - 1)), 1);
    await gone?.gossiper.close();
    const member = await new TestMember(network, `n${round}`, 9100 + round).start();
    await member.gossiper.join((members[0] as TestMember).endpoint);
    members.push(member);
    await network.clock.turn(10_000);
  }
  network.loss = 0;
  await network.clock.turn(60_000);
  const expected = members
    .map(({ gossiper }) => gossiper.self.node)
    .toSorted()
    .join(" ");
  assert.deepEqual(views(members), Array(20).fill(expected));
});
