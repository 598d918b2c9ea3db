// A program that runs beside the server, in a process of its own: whatever becomes of it, the server goes on.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

/** How long a companion may take to write down its state at the end, before it is killed. */
const PATIENCE_MS = 10_000;

/** What the launcher needs of a process that it has started. */
export interface Companion {
  /** Resolves to the exit code once it has ended, by itself or otherwise; to undefined where it could not be started or was killed. */
  readonly ended: Promise<number | undefined>;
  /** Asks it to end, and sees to it that it does. Resolves once it has. */
  stop(): Promise<void>;
}

/**
 * Starts `narthex ARGV…` as a process that ends when this one is gone, however it went: the channel between them closes then. `home` is
 * the folder of this package.
 */
export function startCompanion(home: string, argv: readonly string[]): Companion {
  const child = spawn(process.execPath, [...process.execArgv, join(home, "bin/narthex.cjs"), ...argv], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new Promise<number | undefined>((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("exit", (code) => resolve(code ?? undefined));
  });
  // It is waited for, it does not keep this process alive.
  child.channel?.unref();
  return { ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await ended;
  clearTimeout(timer);
}
