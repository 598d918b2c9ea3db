// How members that use TLS put packets into connections: each in a frame; one frame of another kind makes a connection a stream.
//
// Source: `MemberlistMessage` of the reference's `cluster.proto`, behind its length in four bytes, the lowest first.
import { WireReader, WireWriter } from "@narthex/encoding";

const FIELD = { version: 1, kind: 2, from: 3, message: 4 } as const;
const KIND = { stream: 0, packet: 1 } as const;
const VERSION = "v0.1.0";
export const FRAME_LENGTH_BYTES = 4;
/** A packet is never longer than UDP would take. */
export const MAX_FRAME_BYTES: number = 66 * 1024;

/** `packet` is undefined for a frame after which the connection is a stream. */
export interface Frame {
  readonly from: string;
  readonly packet: Uint8Array | undefined;
}

/** With its length in front. */
export function encodeFrame({ from, packet }: Frame): Uint8Array {
  const writer = new WireWriter();
  writer.textField(FIELD.version, VERSION);
  if (packet !== undefined) {
    writer.uintField(FIELD.kind, KIND.packet);
    writer.textField(FIELD.from, from);
    writer.bytesField(FIELD.message, packet);
  }
  const message = writer.toBytes();
  const frame = Buffer.alloc(FRAME_LENGTH_BYTES + message.length);
  frame.writeUInt32LE(message.length);
  frame.set(message, FRAME_LENGTH_BYTES);
  return frame;
}

/** Without its length. The packet is a view. Throws for what is no frame. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new WireReader(bytes);
  let [version, kind, from] = ["", KIND.stream as number, ""];
  let message: Uint8Array = new Uint8Array(0);
  for (let number = reader.nextField(); number !== 0; number = reader.nextField()) {
    if (number === FIELD.version) version = reader.textField();
    else if (number === FIELD.kind) kind = reader.uintField();
    else if (number === FIELD.from) from = reader.textField();
    else if (number === FIELD.message) message = reader.bytesField();
    else reader.skipField();
  }
  if (version !== VERSION) throw new Error("tls memberlist message version incompatible");
  if (kind !== KIND.stream && kind !== KIND.packet) throw new Error(`a frame of the unknown kind ${kind}`);
  return { from, packet: kind === KIND.packet ? message : undefined };
}
