// Packets and streams of somebody who means no good: each is taken or refused, the member goes on, and holds no more than it may.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFrame, encodeFrame, FRAME_LENGTH_BYTES } from "./frame.ts";
import { compressLzw, decompressLzw } from "./lzw.ts";
import {
  encodeAccusation,
  encodeAlive,
  encodeCompressed,
  encodeIndirectPing,
  encodePing,
  encodePushPull,
  encodeUserStream,
  MESSAGE,
  OWN_VERSIONS,
} from "./message.ts";
import { MAX_NODES } from "./node-list.ts";
import { openPacket, sealPacket } from "./packet.ts";
import { decodeFullState, decodePart, encodeFullState, encodePart } from "./part.ts";
import { Network, seededRandom, TestMember } from "./testing-network.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 20_000);
const STREAM_ROUNDS = Math.ceil(ROUNDS / 20);

const source = { sourceAddress: Uint8Array.of(10, 0, 0, 1), sourcePort: 9001, sourceNode: "b" };
const alive = {
  incarnation: 3,
  node: "x",
  address: Uint8Array.of(10, 0, 0, 9),
  port: 9009,
  meta: new Uint8Array(3),
  versions: OWN_VERSIONS,
};
const part = encodePart({ key: "sil", data: Buffer.from("some records") });
const MESSAGES: readonly Uint8Array[] = [
  encodePing({ sequence: 1, node: "a", ...source }),
  encodeIndirectPing({
    sequence: 300,
    target: Uint8Array.of(10, 0, 0, 2),
    port: 9002,
    node: "c",
    wantsNack: true,
    ...source,
  }),
  encodeAccusation(MESSAGE.suspect, { incarnation: 1, node: "a", from: "b" }),
  encodeAccusation(MESSAGE.dead, { incarnation: 70_000, node: "b", from: "c" }),
  encodeAlive(alive),
  Buffer.concat([Uint8Array.of(MESSAGE.user), part]),
];
const PACKETS: readonly Uint8Array[] = [
  ...MESSAGES.map((message) => sealPacket([message], { label: "", withChecksum: false })),
  sealPacket(MESSAGES, { label: "", withChecksum: true }),
  sealPacket(MESSAGES, { label: "x", withChecksum: false }),
  encodeCompressed(compressLzw(sealPacket(MESSAGES, { label: "", withChecksum: false }))),
];
const state = encodeFullState([{ key: "nfl", data: Buffer.from("entries") }]);
const pushPull = encodePushPull({ nodes: 1, stateBytes: state.length, isJoin: true }, [{ ...alive, state: 0 }], state);
const STREAMS: readonly Uint8Array[] = [
  pushPull,
  encodeCompressed(compressLzw(pushPull)),
  encodeUserStream(part),
  MESSAGES[0] as Uint8Array,
  Buffer.concat([Uint8Array.of(MESSAGE.label, 1, 120), pushPull]),
];

/** Bytes changed, cut out, put in, repeated; lengths made large. */
function damaged(samples: readonly Uint8Array[], random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  let bytes = Buffer.from(samples[below(samples.length)] as Uint8Array);
  for (let i = below(4); i >= 0; i--) {
    const at = below(bytes.length + 1);
    const kind = below(5);
    const put =
      kind === 0
        ? Buffer.from([[0xff, 0xdf, 0xdb, 0xdd, 0xcf, 0x80, 0xc0, 0x9f, 7, 9, 12, 244, 0x7f][below(13)] as number])
        : kind === 1
          ? Buffer.from([below(256)])
          : kind === 2
            ? bytes.subarray(below(bytes.length), below(bytes.length))
            : Buffer.alloc(0);
    bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + below(3))]);
  }
  return bytes;
}

test(`gossip fuzz: damaged packets are taken or refused, and the member goes on (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const network = new Network(SEED);
  const a = await new TestMember(network, "a", 9000).start();
  for (let i = 0; i < ROUNDS; i++) {
    const packet = damaged(PACKETS, random);
    a.gossiper.packet(packet, { host: "10.0.0.7", port: 7 });
    if (i % 1000 === 0) await network.clock.turn(1000);
    if (i % 50 === 0) a.heard.length = a.events.length = 0;
  }
  assert.ok(a.gossiper.members.length <= MAX_NODES);
  const b = await new TestMember(network, "healthy", 9001).start();
  await b.gossiper.join(a.endpoint);
  await network.clock.turn(2000);
  assert.ok(a.sees.includes("healthy"));
});

test("gossip fuzz: a node of a version that nobody speaks is not taken in, where it would spoil every exchange (a find)", async () => {
  const network = new Network(1);
  const a = await new TestMember(network, "a", 9000).start();
  const strange = { ...alive, versions: Uint8Array.of(1, 5, 78, 0, 0, 0) };
  a.gossiper.packet(sealPacket([encodeAlive(strange)], { label: "", withChecksum: false }), {
    host: "10.0.0.7",
    port: 7,
  });
  const b = await new TestMember(network, "healthy", 9001).start();
  await b.gossiper.join(a.endpoint);
  await network.clock.turn(2000);
  assert.equal(a.sees, b.sees);
  assert.ok(a.sees.includes("healthy") && !a.sees.includes("x"), a.sees);
});

test(`gossip fuzz: decoders of packets, compression and parts throw errors, nothing else (seed ${SEED})`, () => {
  const random = seededRandom(SEED + 1);
  const frame = encodeFrame({ from: "10.0.0.1:9094", packet: part }).subarray(FRAME_LENGTH_BYTES);
  const parts = [part, state, frame, compressLzw(pushPull)];
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = damaged([...PACKETS, ...parts], random);
    for (const decode of [
      () => openPacket(bytes, "", () => {}),
      () => decodePart(bytes),
      () => decodeFullState(bytes),
      () => decodeFrame(bytes),
      () => decompressLzw(bytes, 100_000),
    ]) {
      try {
        decode();
      } catch (error) {
        const { name } = error as Error;
        assert.match(name, /^(PacketError|MsgpackError|LzwError|EncodingError|Error)$/, `${(error as Error).stack}`);
      }
    }
  }
});

test(`gossip fuzz: damaged streams are answered or closed, and the member goes on (seed ${SEED})`, async () => {
  const random = seededRandom(SEED + 2);
  const network = new Network(SEED);
  const a = await new TestMember(network, "a", 9000).start();
  const transport = network.transport({ host: "10.0.0.8", port: 8 });
  for (let i = 0; i < STREAM_ROUNDS; i++) {
    const stream = await transport.dial(a.endpoint, 1000);
    await stream.write(damaged(STREAMS, random));
    stream.close();
    // The member ends what it has to say; a hang would end the test's time.
    for (let chunk = await stream.chunks.next(); chunk.done !== true; chunk = await stream.chunks.next());
    a.heard.length = a.events.length = 0;
  }
  const b = await new TestMember(network, "healthy", 9001).start();
  await b.gossiper.join(a.endpoint);
  assert.ok(a.sees.includes("healthy"));
});

test("gossip: a packet that becomes more and more when it is opened is refused early", () => {
  let bomb: Uint8Array = new Uint8Array(4_000_000);
  for (let i = 0; i < 3; i++) bomb = encodeCompressed(compressLzw(bomb));
  assert.throws(() => openPacket(bomb, "", () => {}), /more than \d+ bytes|wrapped too often|not supported/);
  let nested: Uint8Array = MESSAGES[0] as Uint8Array;
  for (let i = 0; i < 50; i++) nested = Buffer.concat([Uint8Array.of(MESSAGE.compound, 1, 0, nested.length), nested]);
  assert.throws(() => openPacket(nested, "", () => {}), /wrapped too often/);
});

test("gossip: of a thousand invented members and more, no more are taken than the list may hold", async () => {
  const network = new Network(SEED);
  const a = await new TestMember(network, "a", 9000).start();
  for (let i = 0; i < MAX_NODES + 500; i++)
    a.gossiper.packet(encodeAlive({ ...alive, node: `x${i}` }), { host: "10.0.0.7", port: 7 });
  assert.equal(a.gossiper.members.length, MAX_NODES);
  assert.equal(a.events.at(-1), "full");
});
