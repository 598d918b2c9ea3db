// How much memory this process may take.
import { totalmem } from "node:os";

/** What is said about it on the command line. */
export interface MemoryLimitFlags {
  /** Bytes; 0 leaves it to the rest. */
  readonly limitBytes: number;
  /** Whether to go by what the container or the machine has: `--auto-gomemlimit`. */
  readonly automatic: boolean;
  /** The share of that: `--auto-gomemlimit.ratio`. */
  readonly ratio: number;
}

/** Bytes; 0 for no limit. `constrainedBytes` is what a container allows (0 or more than the machine has for none). */
export function memoryLimit(
  { limitBytes, automatic, ratio }: MemoryLimitFlags,
  constrainedBytes: number = process.constrainedMemory(),
  machineBytes: number = totalmem(),
): number {
  if (limitBytes > 0) return limitBytes;
  if (!automatic) return 0;
  const available = constrainedBytes > 0 && constrainedBytes < machineBytes ? constrainedBytes : machineBytes;
  return Math.floor(available * ratio);
}
