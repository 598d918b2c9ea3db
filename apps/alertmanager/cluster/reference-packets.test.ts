// Bytes that a peer of the reference (0.33.1) sent: understood, and made again byte for byte where the format leaves no choice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compressLzw, decompressLzw } from "./lzw.ts";
import {
  decodeAccusation,
  decodeAlive,
  decodePing,
  encodeAccusation,
  encodePing,
  MESSAGE,
  readAnswer,
  readCompressed,
  readNode,
  readPushPullHeader,
  readUserHeader,
} from "./message.ts";
import { MsgpackReader } from "./msgpack.ts";
import { openPacket } from "./packet.ts";
import { decodePart } from "./part.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

function messagesOf(packet: string): [kind: number, message: Uint8Array][] {
  const messages: [number, Uint8Array][] = [];
  openPacket(hex(packet), "", (kind, message) => void messages.push([kind, message]));
  return messages;
}

const PING = `0085a44e6f6465a46f757273a55365714e6f02aa536f7572636541646472a47f000001aa536f757263654e6f6465a6746865697273aa536f7572
  6365506f7274cd4a9d`;
const ACK = `0282a75061796c6f6164a0a55365714e6f05`;
const DEAD = `0c30dc74930583a446726f6da6746865697273ab496e6361726e6174696f6e01a44e6f6465a6746865697273`;
const TWO_ALIVE = `0c1fb22a6f0702003e003c0486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461a0a44e6f6465a6746865697273a4506f72
  74cd4a9da356736ea60105020000000486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a46f757273a450
  6f7274cd4a9ea356736ea6010502000000`;
const SILENCE = `0c44408192080a0373696c1273720a680a2464373464363731372d353433352d343531632d393631632d33353032626632386337323912061201
  611a01621a0c08dfcfa7d80610e9e1dcd50322060880fef7df062a0c08dfcfa7d80610e9e1dcd5034201784a07434f4d4d454e545a080a061201
  611a016212060880ad92e006`;
const JOIN_ANSWER = `0982a4416c676f00a3427566da0078000d0c22a5e44d1a37c34a397943a6cc9c00acaacc2923670a9d3074ca3029e3c6c1215241c8909143ea0f
  00000156257133268c1c3718d3bc7113805493321741917212a64d195374d0944923670e29286fe4d069a6a453298b18cb001865658e1b53010a
  0838094041010503e6a461e315ac1b336c0202`;
const LONG_SILENCE = `0982a4416c676f00a3427566da00c80011045255654e19394de69c6152c64d33034f140c9893868d84630c8a3150a06b2389196662cc0853c386
  8d166270cca0d182869832645a841933e6460b193472c0c09183cc0d3336c6d09060404280301a0288d1a00001b867a7b01980f0ad5217110610
  00f277ef9b01154d9f469d5ab58b90007894705b90a7addbb770e3ca9d4bb7aeddbb78f3eaddcbb7afdfbf80030b1e4cb8b0e1c388132b5eccb8
  b1e3c790234b9e4cb9b2e5cb98336bdeccb9b3e7cfa043ebd5824041d1a349c510d5da4a1238030101`;

test("reference packets: a ping is understood, and made again with the same fields", () => {
  const [[kind, message]] = messagesOf(PING) as [[number, Uint8Array]];
  const ping = decodePing(message);
  assert.deepEqual(
    [kind, ping],
    [
      MESSAGE.ping,
      {
        sequence: 2,
        node: "ours",
        sourceAddress: Uint8Array.of(127, 0, 0, 1),
        sourcePort: 19101,
        sourceNode: "theirs",
      },
    ],
  );
  assert.deepEqual(decodePing(encodePing(ping).subarray(1)), ping);
  assert.equal(encodePing(ping).length, message.length + 1);
});

test("reference packets: an answer is understood", () => {
  const [[kind, message]] = messagesOf(ACK) as [[number, Uint8Array]];
  assert.deepEqual([kind, readAnswer(new MsgpackReader(message))], [MESSAGE.ack, 5]);
});

test("reference packets: a member that leaves says so itself, behind a checksum", () => {
  const [[kind, message]] = messagesOf(DEAD) as [[number, Uint8Array]];
  const accusation = { incarnation: 1, node: "theirs", from: "theirs" };
  assert.deepEqual([kind, decodeAccusation(message)], [MESSAGE.dead, accusation]);
  assert.deepEqual(decodeAccusation(encodeAccusation(MESSAGE.dead, accusation).subarray(1)), accusation);
});

test("reference packets: two members are announced in one compound", () => {
  assert.deepEqual(
    messagesOf(TWO_ALIVE).map(([kind, message]) => {
      const { node, port, incarnation, address, versions } = decodeAlive(message);
      return [kind, node, port, incarnation, address.join("."), versions.join(" ")];
    }),
    [
      [MESSAGE.alive, "theirs", 19101, 1, "127.0.0.1", "1 5 2 0 0 0"],
      [MESSAGE.alive, "ours", 19102, 1, "127.0.0.1", "1 5 2 0 0 0"],
    ],
  );
});

test("reference packets: a silence is a part of the state `sil`", () => {
  const [[kind, message]] = messagesOf(SILENCE) as [[number, Uint8Array]];
  const { key, data } = decodePart(message);
  assert.deepEqual([kind, key, data.length, data[0]], [MESSAGE.user, "sil", 115, 114]);
});

test("reference packets: a changed byte makes the checksum wrong", () => {
  const packet = hex(DEAD);
  packet[20] = (packet[20] as number) ^ 1;
  assert.throws(() => openPacket(packet, "", () => {}), /invalid checksum/);
});

test("reference streams: a full exchange is decompressed and read", () => {
  const plain = decompressLzw(readCompressed(new MsgpackReader(hex(JOIN_ANSWER).subarray(1))), 1000);
  assert.equal(plain[0], MESSAGE.pushPull);
  const reader = new MsgpackReader(plain.subarray(1));
  assert.deepEqual(readPushPullHeader(reader), { nodes: 1, stateBytes: 14, isJoin: true });
  const { node, state, port } = readNode(reader);
  assert.deepEqual([node, state, port, reader.remaining], ["theirs", 0, 19101, 14]);
});

test("reference streams: a long silence is decompressed and read", () => {
  const plain = decompressLzw(readCompressed(new MsgpackReader(hex(LONG_SILENCE).subarray(1))), 10_000);
  assert.equal(plain[0], MESSAGE.user);
  const reader = new MsgpackReader(plain.subarray(1));
  assert.equal(readUserHeader(reader), reader.remaining);
  assert.equal(decodePart(plain.subarray(1 + reader.position)).key, "sil");
});

test("reference streams: what the reference compressed, compressed again, is the same to the last bit", () => {
  for (const stream of [JOIN_ANSWER, LONG_SILENCE]) {
    const compressed = readCompressed(new MsgpackReader(hex(stream).subarray(1)));
    assert.deepEqual(Buffer.from(compressLzw(decompressLzw(compressed, 10_000))), Buffer.from(compressed));
  }
});
