// A packet as it goes over UDP: messages, one by one or several in a compound, compressed where that is shorter, with a checksum for
// members that understand it, behind the cluster's label.
//
// Source of the format: hashicorp/memberlist, `net.go`, `util.go` and `label.go`.
import { crc32 } from "node:zlib";
import { compressLzw, decompressLzw } from "./lzw.ts";
import { encodeCompressed, MESSAGE, readCompressed } from "./message.ts";
import { MsgpackReader } from "./msgpack.ts";

/** Packets are made no longer than this, so that they pass everywhere whole. */
export const MAX_PACKET_BYTES = 1400;
/** What a compound costs, and each message in it. */
export const COMPOUND_BYTES = 2;
export const COMPOUND_MESSAGE_BYTES = 2;
export const MAX_LABEL_BYTES = 255;
const MAX_COMPOUND_MESSAGES = 255;
const CHECKSUM_BYTES = 5;
/** Wrappings within wrappings; members make two. */
const MAX_DEPTH = 4;
/** All that one packet may become when it is decompressed. */
const MAX_DECOMPRESSED_BYTES = 512 * 1024;

/** What is no packet, or none for us. */
export class PacketError extends Error {
  override readonly name = "PacketError";
}

/** What goes before every packet and stream of a cluster that has a label. */
export function labelHeader(label: string): Uint8Array {
  const bytes = Buffer.from(label);
  return bytes.length === 0 ? bytes : Buffer.concat([Uint8Array.of(MESSAGE.label, bytes.length), bytes]);
}

/** Frames at least one message, at most 255. */
export function sealPacket(
  messages: readonly Uint8Array[],
  options: { readonly label: string; readonly withChecksum: boolean },
): Uint8Array {
  const plain = messages.length === 1 ? (messages[0] as Uint8Array) : compound(messages);
  const compressed = encodeCompressed(compressLzw(plain));
  const body = compressed.length < plain.length ? compressed : plain;
  const parts: Uint8Array[] = [labelHeader(options.label)];
  if (options.withChecksum) {
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum[0] = MESSAGE.checksum;
    checksum.writeUInt32BE(crc32(body), 1);
    parts.push(checksum);
  }
  parts.push(body);
  return Buffer.concat(parts);
}

function compound(messages: readonly Uint8Array[]): Uint8Array {
  if (messages.length > MAX_COMPOUND_MESSAGES) throw new RangeError(`${messages.length} messages in a packet`);
  const header = Buffer.alloc(2 + messages.length * 2);
  header[0] = MESSAGE.compound;
  header[1] = messages.length;
  messages.forEach((message, index) => {
    header.writeUInt16BE(message.length, 2 + index * 2);
  });
  return Buffer.concat([header, ...messages]);
}

/**
 * Hands the messages of a packet to `take`: their kind, and what follows it, a view that lives as long as the packet. Throws
 * an error for what is no packet; messages before the damage have been handed over then.
 */
export function openPacket(packet: Uint8Array, label: string, take: (kind: number, message: Uint8Array) => void): void {
  let body = withoutLabel(packet, label);
  if (body.length >= CHECKSUM_BYTES && body[0] === MESSAGE.checksum) {
    const expected = Buffer.from(body.buffer, body.byteOffset, body.length).readUInt32BE(1);
    body = body.subarray(CHECKSUM_BYTES);
    if (crc32(body) !== expected) throw new PacketError("invalid checksum");
  }
  new Opener(take).open(body, 0);
}

function withoutLabel(packet: Uint8Array, label: string): Uint8Array {
  if (packet[0] !== MESSAGE.label) {
    if (label !== "") throw new PacketError("a packet without the cluster's label");
    return packet;
  }
  const length = packet[1] ?? 0;
  if (length === 0 || packet.length < 2 + length) throw new PacketError("the label is cut off");
  const found = Buffer.from(packet.buffer, packet.byteOffset + 2, length);
  if (!found.equals(Buffer.from(label))) throw new PacketError("a packet with another label");
  return packet.subarray(2 + length);
}

class Opener {
  readonly #take: (kind: number, message: Uint8Array) => void;
  #bytesLeft = MAX_DECOMPRESSED_BYTES;

  constructor(take: (kind: number, message: Uint8Array) => void) {
    this.#take = take;
  }

  open(bytes: Uint8Array, depth: number): void {
    if (bytes.length === 0) throw new PacketError("missing message type byte");
    if (depth > MAX_DEPTH) throw new PacketError("a packet wrapped too often");
    const kind = bytes[0] as number;
    const rest = bytes.subarray(1);
    if (kind === MESSAGE.compound) this.#compound(rest, depth);
    else if (kind === MESSAGE.compressed) {
      const plain = decompressLzw(readCompressed(new MsgpackReader(rest)), this.#bytesLeft);
      this.#bytesLeft -= plain.length;
      this.open(plain, depth + 1);
    } else this.#take(kind, rest);
  }

  #compound(bytes: Uint8Array, depth: number): void {
    const count = bytes[0];
    if (count === undefined || bytes.length < 1 + 2 * count) throw new PacketError("the compound is cut off");
    let start = 1 + 2 * count;
    for (let i = 0; i < count; i++) {
      const length = ((bytes[1 + 2 * i] as number) << 8) | (bytes[2 + 2 * i] as number);
      if (start + length > bytes.length) throw new PacketError("the compound is cut off");
      this.open(bytes.subarray(start, start + length), depth + 1);
      start += length;
    }
  }
}
