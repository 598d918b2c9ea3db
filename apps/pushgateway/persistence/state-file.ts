// The persistence file: its bytes. See docs/format/persistence.md.
import { crc32c, EncodingError, WireReader, type WireWriter } from "@narthex/encoding";
import { familyBytes } from "../family/family.ts";
import { readFamily } from "../format/protobuf-reader.ts";
import { writeFamily } from "../format/protobuf-writer.ts";
import { groupingKey } from "../push/grouping-key.ts";
import { EMPTY_GROUP_BYTES, type Group, type StoredFamily } from "../store/group.ts";

const VERSION = 1;
export const MAGIC: Buffer = Buffer.concat([Buffer.from("NTXPUSHGATE", "latin1"), Buffer.from([VERSION])]);
/** Length and checksum. */
const HEAD_BYTES = 4 + 4;

const GROUP = { label: 1, pushed: 2, failed: 3, created: 4, expires: 5, family: 6, groupCount: 15 } as const;
const LABEL = { name: 1, value: 2 } as const;
const STORED = { time: 1, family: 2 } as const;

/** Appends a group's record. */
export function writeGroup(writer: WireWriter, group: Group): void {
  writeRecord(writer, () => {
    for (let i = 0; i < group.labels.length; i += 2) {
      const mark = writer.begin(GROUP.label);
      writer.textField(LABEL.name, group.labels[i] as string);
      writer.textField(LABEL.value, group.labels[i + 1] as string);
      writer.end(mark);
    }
    writer.intField(GROUP.pushed, group.pushedMs);
    writer.intField(GROUP.failed, group.failedMs);
    writer.intField(GROUP.created, group.createdMs);
    if (Number.isFinite(group.expiresMs)) writer.intField(GROUP.expires, Math.round(group.expiresMs));
    for (const { family, timeMs } of group.families.values()) {
      const mark = writer.begin(GROUP.family);
      writer.intField(STORED.time, timeMs);
      const inner = writer.begin(STORED.family);
      writeFamily(writer, family);
      writer.end(inner);
      writer.end(mark);
    }
  });
}

/** Appends the end mark. */
export function writeEnd(writer: WireWriter, groupCount: number): void {
  writeRecord(writer, () => writer.uintField(GROUP.groupCount, groupCount));
}

function writeRecord(writer: WireWriter, writePayload: () => void): void {
  const start = writer.length;
  writer.uint32(0);
  writer.uint32(0);
  writePayload();
  const end = writer.length;
  const checksum = crc32c(writer.bytes, start + HEAD_BYTES, end);
  writer.length = start;
  writer.uint32(end - start - HEAD_BYTES);
  writer.uint32(checksum);
  writer.length = end;
}

/** What a file holds: all groups up to the damage, if there is one. */
export interface StateFile {
  readonly groups: readonly Group[];
  /** What is wrong, and where; undefined for a whole file. */
  readonly damage: string | undefined;
}

/** Reads a file's bytes. Never throws. */
export function readState(bytes: Buffer): StateFile {
  const groups: Group[] = [];
  const magic = bytes.subarray(0, MAGIC.length);
  if (!magic.subarray(0, -1).equals(MAGIC.subarray(0, -1)))
    return { groups, damage: "it is not a persistence file of this program" };
  if (!magic.equals(MAGIC))
    return { groups, damage: `its version is ${magic[MAGIC.length - 1]}, this program reads ${VERSION}` };
  let at = MAGIC.length;
  for (;;) {
    if (at + HEAD_BYTES > bytes.length)
      return { groups, damage: `it ends at byte ${bytes.length}, without its end mark` };
    const length = bytes.readUInt32BE(at);
    const start = at + HEAD_BYTES;
    if (start + length > bytes.length) return { groups, damage: `the record at byte ${at} goes beyond the end` };
    if (crc32c(bytes, start, start + length) !== bytes.readUInt32BE(at + 4))
      return { groups, damage: `the record at byte ${at} does not have its checksum` };
    let record: Group | number;
    try {
      record = readRecord(bytes.subarray(start, start + length));
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      return { groups, damage: `the record at byte ${at} cannot be read: ${error.message}` };
    }
    at = start + length;
    if (typeof record === "number") {
      const isWhole = record === groups.length && at === bytes.length;
      return { groups, damage: isWhole ? undefined : `it has ${groups.length} groups, its end mark says ${record}` };
    }
    groups.push(record);
  }
}

/** A group, or the number of the end mark. */
function readRecord(payload: Uint8Array): Group | number {
  const reader = new WireReader(payload);
  const labels: string[] = [];
  const families = new Map<string, StoredFamily>();
  let [pushedMs, failedMs, createdMs, expiresMs] = [0, 0, 0, Number.POSITIVE_INFINITY];
  let bytes = EMPTY_GROUP_BYTES;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case GROUP.label: {
        const outer = reader.enter();
        labels.push(...readLabel(reader));
        reader.leave(outer);
        break;
      }
      case GROUP.pushed:
        pushedMs = reader.intField();
        break;
      case GROUP.failed:
        failedMs = reader.intField();
        break;
      case GROUP.created:
        createdMs = reader.intField();
        break;
      case GROUP.expires:
        expiresMs = reader.intField();
        break;
      case GROUP.family: {
        const outer = reader.enter();
        const stored = readStored(reader);
        reader.leave(outer);
        families.set(stored.family.name, stored);
        bytes += familyBytes(stored.family);
        break;
      }
      case GROUP.groupCount:
        return reader.uintField();
      default:
        reader.skipField();
    }
  }
  return { ...groupingKey(labels), families, pushedMs, failedMs, createdMs, expiresMs, bytes };
}

function readLabel(reader: WireReader): [name: string, value: string] {
  let [name, value] = ["", ""];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === LABEL.name) name = reader.textField();
    else if (field === LABEL.value) value = reader.textField();
    else reader.skipField();
  }
  return [name, value];
}

function readStored(reader: WireReader): StoredFamily {
  let timeMs = 0;
  let message: Uint8Array = new Uint8Array(0);
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === STORED.time) timeMs = reader.intField();
    else if (field === STORED.family) message = reader.bytesField();
    else reader.skipField();
  }
  return { timeMs, family: readFamily(message) };
}
