// Sizes in bytes as configuration files and flags write them: `512MB`, `1GiB512MiB`. All units count by 1024.

const PREFIXES = ["", "K", "M", "G", "T", "P", "E"];

/** A text that is no size; the message is the reference's. */
export class SizeError extends Error {
  override readonly name = "SizeError";
}

/**
 * Parses one or more numbers, each with its unit (`B`, `KB` or `KiB`, up to `EB` or `EiB`); the unit is mandatory.
 * Returns bytes, whole. Throws a `SizeError`.
 */
export function parseSize(text: string): number {
  let rest = text;
  let sign = 1;
  if (rest.startsWith("-") || rest.startsWith("+")) {
    if (rest.startsWith("-")) sign = -1;
    rest = rest.slice(1);
  }
  if (rest === "0") return 0;
  if (rest === "") throw new SizeError(`units: invalid ${text}`);
  let bytes = 0;
  while (rest !== "") {
    const [part, digits, unit] = /^([0-9]*(?:\.[0-9]*)?)([^0-9.]*)/.exec(rest) as unknown as [string, string, string];
    if (!/[0-9]/.test(digits)) throw new SizeError(`units: invalid ${text}`);
    const match = /^([KMGTPE]?)(iB|B)$/.exec(unit);
    const power = match === null || unit === "iB" ? -1 : PREFIXES.indexOf(match[1] as string);
    if (power < 0) throw new SizeError(`units: unknown unit ${unit} in ${text}`);
    bytes += Number(digits) * 1024 ** power;
    rest = rest.slice(part.length);
  }
  if (bytes >= 2 ** 63) throw new SizeError(`units: overflow parsing ${text}`);
  return sign * Math.trunc(bytes);
}

/** Writes bytes as the sum of whole units, the largest first: `1GiB512MiB`; zero is `0B`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return "0B";
  let rest = Math.abs(bytes);
  let text = "";
  for (const [i, prefix] of PREFIXES.entries()) {
    const isLast = i === PREFIXES.length - 1;
    const part = isLast ? rest : rest % 1024;
    if (part !== 0) text = `${bytes < 0 ? "-" : ""}${part}${prefix}${i === 0 ? "B" : "iB"}${text}`;
    rest = Math.floor(rest / 1024);
    if (rest === 0) break;
  }
  return text;
}
