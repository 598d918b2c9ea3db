// The lock on a data directory: the reference's, so that neither server opens what the other one has open.
//
// The reference holds an advisory `flock` on the file `lock`. Node cannot ask for one, but such a lock belongs to the
// open file, not to the process that asked: the system's `flock` command, given our file as its descriptor, takes it
// for us, and it stays until we close the file or die. Where that command is missing, a lock of our own must do.
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

const LOCK_FILE = "lock";
/** Exit code of `flock -n` when somebody else has the lock. */
const HELD = 1;

/** The directory is in use. The message is the reference's, and says what to do. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
  readonly code = "directory_locked";

  constructor(directory: string) {
    super(
      `opening storage failed: lock DB directory: resource temporarily unavailable: another server uses ${directory}; stop it, or choose another directory`,
    );
  }
}

/** What was found when the lock was taken. */
export type LockState =
  /** No lock file: the last run ended cleanly, or there was none. */
  | "clean"
  /** A file of a run that did not end cleanly. */
  | "left-over";

/** A lock that is held until `release`. */
export class DirectoryLock {
  readonly state: LockState;
  readonly #path: string;
  readonly #file: number;

  /** Throws a `DirectoryLockedError` when the directory is in use, or the file system's error. */
  constructor(directory: string) {
    this.#path = join(directory, LOCK_FILE);
    const before = readText(this.#path);
    this.#file = openSync(this.#path, "a+");
    this.state = before === undefined ? "clean" : "left-over";
    const { status, error } = spawnSync("flock", ["-n", "-x", "3"], {
      stdio: ["ignore", "ignore", "ignore", this.#file],
    });
    const refused = error === undefined ? status === HELD : isHeldByProcess(before ?? "");
    if (refused) {
      closeSync(this.#file);
      throw new DirectoryLockedError(directory);
    }
    // For systems without the command: our process, so that a second server of ours finds it.
    if (error !== undefined) writeSync(this.#file, `${process.pid}\n`);
  }

  /** Frees the directory and removes the file, as after a clean end. Idempotent. */
  release(): void {
    try {
      const held = fstatSync(this.#file);
      if (statSync(this.#path).ino === held.ino) rmSync(this.#path);
      closeSync(this.#file);
    } catch {
      // Released before, or the directory went away.
    }
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether the last process named in a lock file of ours still runs. */
function isHeldByProcess(text: string): boolean {
  const pid = Number(text.trim().split("\n").at(-1));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
