// The file `queries.active`: which queries run right now, so that the next start can name those that a crash cut off.
// Layout of the reference: `[`, then one slot of 1000 bytes per concurrent query, zero where free.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@narthex/toolkit";

const SLOT_BYTES = 1000;
const EMPTY_SLOT = Buffer.alloc(SLOT_BYTES);

export class ActiveQueryLog {
  readonly #file: number;
  readonly #free: number[];

  /** Logs what an earlier run left unfinished, and starts anew with `slots` free slots. Throws when the file cannot be had. */
  constructor(folder: string, slots: number, logger: Logger) {
    const path = join(folder, "queries.active");
    const unfinished = readUnfinished(path);
    if (unfinished !== "") logger.info("These queries didn't finish in prometheus' last run:", { queries: unfinished });
    this.#file = openSync(path, "w+", 0o666);
    ftruncateSync(this.#file, 1 + SLOT_BYTES * slots);
    writeSync(this.#file, "[", 0);
    this.#free = Array.from({ length: slots }, (_, i) => slots - 1 - i);
  }

  /** Notes a query; the returned number goes to `remove` at its end. -1 when every slot is taken. */
  insert(expr: string, nowMs: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    const bytes = Buffer.alloc(SLOT_BYTES);
    bytes.write(entryText(expr, Math.floor(nowMs / 1000)), "utf8");
    writeSync(this.#file, bytes, 0, SLOT_BYTES, 1 + slot * SLOT_BYTES);
    return slot;
  }

  remove(slot: number): void {
    if (slot < 0) return;
    writeSync(this.#file, EMPTY_SLOT, 0, SLOT_BYTES, 1 + slot * SLOT_BYTES);
    this.#free.push(slot);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** `{"query":"…","timestamp_sec":N},`, the query cut so that a slot holds it. */
function entryText(expr: string, seconds: number): string {
  const frame = (query: string): string => `${JSON.stringify({ query, timestamp_sec: seconds })},`;
  let text = frame(expr);
  for (let length = expr.length; Buffer.byteLength(text) > SLOT_BYTES; ) {
    length = Math.min(length - 1, Math.floor(length * 0.9), SLOT_BYTES);
    text = frame(expr.slice(0, length).replace(/[\ud800-\udbff]$/, ""));
  }
  return text;
}

/** The entries of a file that an earlier run left, as the JSON list they were meant to be; "" for none. */
function readUnfinished(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return "";
  }
  const entries = text.replaceAll("\0", "").replace(/^\[/, "").replace(/,$/, "");
  return entries === "" ? "" : `[${entries}]`;
}
