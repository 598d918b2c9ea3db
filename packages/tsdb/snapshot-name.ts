// How the directory of a snapshot is called: the moment, and something that no other one has.
import { randomBytes } from "node:crypto";

/** `20060102T150405Z-0123456789abcdef`, as the reference names them; `now` in milliseconds. */
export function makeSnapshotName(now: number): string {
  const moment = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${moment}-${randomBytes(8).toString("hex")}`;
}
