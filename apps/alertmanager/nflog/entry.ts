// What the notification log keeps of one notification: to whom it went, for which group, about which alerts.
import { WireReader, WireWriter } from "@narthex/encoding";
import { Moment } from "../moment/moment.ts";
import { readTimestamp, writeTimestamp } from "../state/timestamp.ts";

/** One integration of one receiver. */
export interface LogReceiver {
  readonly groupName: string;
  readonly integration: string;
  readonly index: number;
}

/** What an integration remembers from one notification to the next. 64-bit integers are bigints. */
export type ReceiverData = ReadonlyMap<string, string | number | bigint>;

export interface LogEntry {
  readonly groupKey: string;
  readonly receiver: LogReceiver;
  readonly timestamp: Moment;
  /** Hashes of label sets. */
  readonly firing: readonly bigint[];
  readonly resolved: readonly bigint[];
  readonly data: ReceiverData;
  readonly expiresAt: Moment;
}

/** What one entry replaces another by. */
export function entryKey(groupKey: string, { groupName, integration, index }: LogReceiver): string {
  return `${groupKey}:${groupName}/${integration}/${index}`;
}

// Source of the numbers: the reference's `nflog.proto`.
const MESH = { entry: 1, expiresAt: 2 } as const;
const ENTRY = { groupKey: 1, receiver: 2, timestamp: 5, firing: 6, resolved: 7, data: 8 } as const;
const RECEIVER = { groupName: 1, integration: 2, index: 3 } as const;
const PAIR = { key: 1, value: 2 } as const;
const VALUE = { text: 1, integer: 2, double: 3 } as const;

const encoder = new TextEncoder();

/** Without the length in front. */
export function encodeEntry(entry: LogEntry): Uint8Array {
  const writer = new WireWriter();
  const mark = writer.begin(MESH.entry);
  if (entry.groupKey !== "") writer.bytesField(ENTRY.groupKey, encoder.encode(entry.groupKey));
  const receiver = writer.begin(ENTRY.receiver);
  if (entry.receiver.groupName !== "") writer.textField(RECEIVER.groupName, entry.receiver.groupName);
  if (entry.receiver.integration !== "") writer.textField(RECEIVER.integration, entry.receiver.integration);
  if (entry.receiver.index !== 0) writer.uintField(RECEIVER.index, entry.receiver.index);
  writer.end(receiver);
  writeTimestamp(writer, ENTRY.timestamp, entry.timestamp);
  writeHashes(writer, ENTRY.firing, entry.firing);
  writeHashes(writer, ENTRY.resolved, entry.resolved);
  for (const [key, value] of entry.data) {
    const pair = writer.begin(ENTRY.data);
    writer.textField(PAIR.key, key);
    const inner = writer.begin(PAIR.value);
    if (typeof value === "string") writer.textField(VALUE.text, value);
    else if (typeof value === "bigint")
      writer.varint64Field(VALUE.integer, Number(BigInt.asUintN(64, value) >> 32n), Number(BigInt.asUintN(32, value)));
    else writer.doubleField(VALUE.double, value);
    writer.end(inner);
    writer.end(pair);
  }
  writer.end(mark);
  writeTimestamp(writer, MESH.expiresAt, entry.expiresAt);
  return writer.toBytes();
}

function writeHashes(writer: WireWriter, field: number, hashes: readonly bigint[]): void {
  if (hashes.length === 0) return;
  const mark = writer.begin(field);
  for (const hash of hashes) writer.uvarint64(Number(hash >> 32n), Number(hash & 0xffffffffn));
  writer.end(mark);
}

/** Throws for what is no entry. */
export function decodeEntry(bytes: Uint8Array): LogEntry {
  const reader = new WireReader(bytes);
  let entry: Omit<LogEntry, "expiresAt"> | undefined;
  let expiresAt = Moment.zero;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === MESH.entry) entry = readEntry(reader);
    else if (field === MESH.expiresAt) expiresAt = readTimestamp(reader);
    else reader.skipField();
  }
  if (entry === undefined) throw new Error("invalid state");
  return { ...entry, expiresAt };
}

function readEntry(reader: WireReader): Omit<LogEntry, "expiresAt"> {
  const outer = reader.enter();
  let groupKey = "";
  let receiver: LogReceiver | undefined;
  let timestamp = Moment.zero;
  const firing: bigint[] = [];
  const resolved: bigint[] = [];
  const data = new Map<string, string | number | bigint>();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === ENTRY.groupKey) groupKey = reader.textField();
    else if (field === ENTRY.receiver) receiver = readReceiver(reader);
    else if (field === ENTRY.timestamp) timestamp = readTimestamp(reader);
    else if (field === ENTRY.firing) readHashes(reader, firing);
    else if (field === ENTRY.resolved) readHashes(reader, resolved);
    else if (field === ENTRY.data) readPair(reader, data);
    else reader.skipField();
  }
  reader.leave(outer);
  if (receiver === undefined) throw new Error("invalid state");
  return { groupKey, receiver, timestamp, firing, resolved, data };
}

function readReceiver(reader: WireReader): LogReceiver {
  const outer = reader.enter();
  const found = { groupName: "", integration: "", index: 0 };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === RECEIVER.groupName) found.groupName = reader.textField();
    else if (field === RECEIVER.integration) found.integration = reader.textField();
    else if (field === RECEIVER.index) found.index = reader.uintField();
    else reader.skipField();
  }
  reader.leave(outer);
  return found;
}

/** Packed, or one by one as older writers did. */
function readHashes(reader: WireReader, into: bigint[]): void {
  const hash = (): bigint => (BigInt(reader.high >>> 0) << 32n) | BigInt(reader.low >>> 0);
  if (reader.wireType === 0) {
    reader.varint64Field();
    into.push(hash());
    return;
  }
  const outer = reader.enter();
  while (reader.remaining > 0) {
    reader.uvarint64();
    into.push(hash());
  }
  reader.leave(outer);
}

function readPair(reader: WireReader, into: Map<string, string | number | bigint>): void {
  const outer = reader.enter();
  let key = "";
  let value: string | number | bigint | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === PAIR.key) key = reader.textField();
    else if (field === PAIR.value) value = readValue(reader);
    else reader.skipField();
  }
  reader.leave(outer);
  if (value !== undefined) into.set(key, value);
}

function readValue(reader: WireReader): string | number | bigint | undefined {
  const outer = reader.enter();
  let value: string | number | bigint | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === VALUE.text) value = reader.textField();
    else if (field === VALUE.integer) {
      reader.varint64Field();
      value = BigInt.asIntN(64, (BigInt(reader.high >>> 0) << 32n) | BigInt(reader.low >>> 0));
    } else if (field === VALUE.double) value = reader.doubleField();
    else reader.skipField();
  }
  reader.leave(outer);
  return value;
}
