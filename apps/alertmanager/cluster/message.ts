// What members of a cluster say to each other: one byte for the kind, then a map of named fields.
//
// Source of kinds, names and bounds: hashicorp/memberlist, protocol versions 1 to 5 (it speaks version 2 and understands up to 5).
import { MsgpackReader, MsgpackWriter } from "./msgpack.ts";

/** The first byte of a message, or of what wraps messages. */
export const MESSAGE = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compressed: 9,
  encrypted: 10,
  nack: 11,
  checksum: 12,
  error: 13,
  label: 244,
} as const;

/** Bounds of what is taken from others. */
export const MAX_NAME_BYTES = 512;
export const MAX_META_BYTES = 512;
export const MAX_STATE_BYTES: number = 20 * 1024 * 1024;
/** Longest encoded message that carries no payload: what is still cut off beyond it is refused. */
export const MAX_PLAIN_MESSAGE_BYTES = 4096;
const MAX_PAYLOAD_BYTES = 2048;
const MAX_VERSIONS = 16;
const MAX_ERROR_BYTES = 1024;
const IP_BYTES = 16;

/** Protocol versions: lowest and highest understood, spoken; then the same of what the program says inside. */
export const OWN_VERSIONS: Uint8Array = Uint8Array.of(1, 5, 2, 0, 0, 0);
/** From these versions on a member takes pings by TCP, answers for others that do not, and understands checksums. */
export const VERSION = { tcpPing: 3, nack: 4, checksum: 5 } as const;

/** Where an answer shall go. An empty address: to where the question came from. */
export interface Source {
  readonly sourceAddress: Uint8Array;
  readonly sourcePort: number;
  readonly sourceNode: string;
}

export interface Ping extends Source {
  readonly sequence: number;
  readonly node: string;
}

/** Asks somebody else to ping a node. */
export interface IndirectPing extends Source {
  readonly sequence: number;
  readonly target: Uint8Array;
  readonly port: number;
  readonly node: string;
  readonly wantsNack: boolean;
}

/** `suspect` and `dead`. Who says it of itself leaves. */
export interface Accusation {
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

/** 4 or 16 address bytes, as they were received. */
export interface Alive {
  readonly incarnation: number;
  readonly node: string;
  readonly address: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly versions: Uint8Array;
}

export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
export type NodeState = (typeof NODE_STATE)[keyof typeof NODE_STATE];

/** A node as it stands in a full exchange of states. */
export interface SharedNode extends Alive {
  readonly state: NodeState;
}

export interface PushPullHeader {
  readonly nodes: number;
  readonly stateBytes: number;
  readonly isJoin: boolean;
}

export function encodePing(ping: Ping): Uint8Array {
  const writer = begun(MESSAGE.ping, ping.sourceNode === "" ? 2 : 5);
  number(writer, "SeqNo", ping.sequence);
  text(writer, "Node", ping.node);
  if (ping.sourceNode !== "") source(writer, ping);
  return writer.toBytes();
}

/** Without its first byte, as all decoders here take it. */
export function decodePing(bytes: Uint8Array): Ping {
  return readPing(new MsgpackReader(bytes));
}

export function readPing(reader: MsgpackReader): Ping {
  const ping = { sequence: 0, node: "", ...noSource() };
  reader.fields((name) => {
    if (name === "SeqNo") ping.sequence = reader.uint();
    else if (name === "Node") ping.node = reader.text(MAX_NAME_BYTES);
    else return readSource(reader, name, ping);
    return true;
  });
  return ping;
}

export function encodeIndirectPing(ping: IndirectPing): Uint8Array {
  const writer = begun(MESSAGE.indirectPing, 8);
  number(writer, "SeqNo", ping.sequence);
  bytes(writer, "Target", ping.target);
  number(writer, "Port", ping.port);
  text(writer, "Node", ping.node);
  flag(writer, "Nack", ping.wantsNack);
  source(writer, ping);
  return writer.toBytes();
}

export function decodeIndirectPing(encoded: Uint8Array): IndirectPing {
  const reader = new MsgpackReader(encoded);
  const ping = { sequence: 0, target: NONE, port: 0, node: "", wantsNack: false, ...noSource() };
  reader.fields((name) => {
    if (name === "SeqNo") ping.sequence = reader.uint();
    else if (name === "Target") ping.target = copied(reader.raw(IP_BYTES));
    else if (name === "Port") ping.port = reader.uint(0xffff);
    else if (name === "Node") ping.node = reader.text(MAX_NAME_BYTES);
    else if (name === "Nack") ping.wantsNack = reader.bool();
    else return readSource(reader, name, ping);
    return true;
  });
  return ping;
}

/** `kind` is `ack` or `nack`. */
export function encodeAnswer(kind: typeof MESSAGE.ack | typeof MESSAGE.nack, sequence: number): Uint8Array {
  const writer = begun(kind, kind === MESSAGE.ack ? 2 : 1);
  number(writer, "SeqNo", sequence);
  if (kind === MESSAGE.ack) bytes(writer, "Payload", NONE);
  return writer.toBytes();
}

export function readAnswer(reader: MsgpackReader): number {
  let sequence = 0;
  reader.fields((name) => {
    if (name === "SeqNo") sequence = reader.uint();
    else if (name === "Payload") reader.raw(MAX_PAYLOAD_BYTES);
    else return false;
    return true;
  });
  return sequence;
}

/** `kind` is `suspect` or `dead`. */
export function encodeAccusation(
  kind: typeof MESSAGE.suspect | typeof MESSAGE.dead,
  accusation: Accusation,
): Uint8Array {
  const writer = begun(kind, 3);
  number(writer, "Incarnation", accusation.incarnation);
  text(writer, "Node", accusation.node);
  text(writer, "From", accusation.from);
  return writer.toBytes();
}

export function decodeAccusation(encoded: Uint8Array): Accusation {
  const reader = new MsgpackReader(encoded);
  const accusation = { incarnation: 0, node: "", from: "" };
  reader.fields((name) => {
    if (name === "Incarnation") accusation.incarnation = reader.uint();
    else if (name === "Node") accusation.node = reader.text(MAX_NAME_BYTES);
    else if (name === "From") accusation.from = reader.text(MAX_NAME_BYTES);
    else return false;
    return true;
  });
  return accusation;
}

export function encodeAlive(alive: Alive): Uint8Array {
  const writer = begun(MESSAGE.alive, 6);
  number(writer, "Incarnation", alive.incarnation);
  text(writer, "Node", alive.node);
  identity(writer, alive);
  return writer.toBytes();
}

export function decodeAlive(encoded: Uint8Array): Alive {
  return readNode(new MsgpackReader(encoded));
}

export function encodePushPull(header: PushPullHeader, nodes: readonly SharedNode[], state: Uint8Array): Uint8Array {
  const writer = begun(MESSAGE.pushPull, 3);
  number(writer, "Nodes", header.nodes);
  number(writer, "UserStateLen", header.stateBytes);
  flag(writer, "Join", header.isJoin);
  for (const node of nodes) {
    writer.map(7);
    text(writer, "Name", node.node);
    number(writer, "Incarnation", node.incarnation);
    number(writer, "State", node.state);
    identity(writer, node);
  }
  writer.append(state);
  return writer.toBytes();
}

export function readPushPullHeader(reader: MsgpackReader): PushPullHeader {
  const header = { nodes: 0, stateBytes: 0, isJoin: false };
  reader.fields((name) => {
    if (name === "Nodes") header.nodes = reader.uint();
    else if (name === "UserStateLen") header.stateBytes = reader.uint(MAX_STATE_BYTES);
    else if (name === "Join") header.isJoin = reader.bool();
    else return false;
    return true;
  });
  return header;
}

/** A node, as an `alive` message or a full exchange has it. */
export function readNode(reader: MsgpackReader): SharedNode {
  const node = {
    incarnation: 0,
    node: "",
    address: NONE,
    port: 0,
    meta: NONE,
    versions: NONE,
    state: NODE_STATE.alive as NodeState,
  };
  reader.fields((name) => {
    if (name === "Incarnation") node.incarnation = reader.uint();
    else if (name === "Node" || name === "Name") node.node = reader.text(MAX_NAME_BYTES);
    else if (name === "Addr") node.address = copied(reader.raw(IP_BYTES));
    else if (name === "Port") node.port = reader.uint(0xffff);
    else if (name === "Meta") node.meta = copied(reader.raw(MAX_META_BYTES));
    else if (name === "Vsn") node.versions = copied(reader.raw(MAX_VERSIONS));
    else if (name === "State") node.state = reader.uint(NODE_STATE.left) as NodeState;
    else return false;
    return true;
  });
  return node;
}

/** A message of the program itself, as it goes through a stream. */
export function encodeUserStream(message: Uint8Array): Uint8Array {
  const writer = begun(MESSAGE.user, 1);
  number(writer, "UserMsgLen", message.length);
  writer.append(message);
  return writer.toBytes();
}

/** The length of the message that follows. */
export function readUserHeader(reader: MsgpackReader): number {
  let length = 0;
  reader.fields((name) => {
    if (name !== "UserMsgLen") return false;
    length = reader.uint(MAX_STATE_BYTES);
    return true;
  });
  return length;
}

export function encodeError(message: string): Uint8Array {
  const writer = begun(MESSAGE.error, 1);
  text(writer, "Error", message.slice(0, MAX_ERROR_BYTES / 4));
  return writer.toBytes();
}

export function readError(reader: MsgpackReader): string {
  let message = "";
  reader.fields((name) => {
    if (name !== "Error") return false;
    message = reader.text(MAX_ERROR_BYTES);
    return true;
  });
  return message;
}

/** The only algorithm there is: LZW. */
const LZW = 0;

export function encodeCompressed(compressed: Uint8Array): Uint8Array {
  const writer = begun(MESSAGE.compressed, 2);
  number(writer, "Algo", LZW);
  bytes(writer, "Buf", compressed);
  return writer.toBytes();
}

/** Returns a view of the compressed bytes. Unknown fields are an error here: passing over them again and again would be work. */
export function readCompressed(reader: MsgpackReader): Uint8Array {
  let buffer = NONE;
  let algorithm = LZW;
  reader.fields((name) => {
    if (name === "Algo") algorithm = reader.uint(0xff);
    else if (name === "Buf") buffer = reader.raw(2 * MAX_STATE_BYTES);
    else throw new Error(`a compressed message has no field ${JSON.stringify(name)}`);
    return true;
  });
  if (algorithm !== LZW) throw new Error(`cannot decompress unknown algorithm ${algorithm}`);
  return buffer;
}

const NONE: Uint8Array = new Uint8Array(0);

function begun(kind: number, fields: number): MsgpackWriter {
  const writer = new MsgpackWriter();
  writer.byte(kind);
  writer.map(fields);
  return writer;
}

function number(writer: MsgpackWriter, name: string, value: number): void {
  writer.text(name);
  writer.uint(value);
}

function text(writer: MsgpackWriter, name: string, value: string): void {
  writer.text(name);
  writer.text(value);
}

function flag(writer: MsgpackWriter, name: string, value: boolean): void {
  writer.text(name);
  writer.bool(value);
}

function bytes(writer: MsgpackWriter, name: string, value: Uint8Array): void {
  writer.text(name);
  writer.raw(value);
}

function source(writer: MsgpackWriter, { sourceAddress, sourcePort, sourceNode }: Source): void {
  bytes(writer, "SourceAddr", sourceAddress);
  number(writer, "SourcePort", sourcePort);
  text(writer, "SourceNode", sourceNode);
}

function identity(writer: MsgpackWriter, { address, port, meta, versions }: Alive): void {
  bytes(writer, "Addr", address);
  number(writer, "Port", port);
  bytes(writer, "Meta", meta);
  bytes(writer, "Vsn", versions);
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

function noSource(): Draft<Source> {
  return { sourceAddress: NONE, sourcePort: 0, sourceNode: "" };
}

function readSource(reader: MsgpackReader, name: string, into: Draft<Source>): boolean {
  if (name === "SourceAddr") into.sourceAddress = copied(reader.raw(IP_BYTES));
  else if (name === "SourcePort") into.sourcePort = reader.uint(0xffff);
  else if (name === "SourceNode") into.sourceNode = reader.text(MAX_NAME_BYTES);
  else return false;
  return true;
}

/** What is kept longer than the packet it came in. */
function copied(view: Uint8Array): Uint8Array {
  return view.length === 0 ? NONE : view.slice();
}
