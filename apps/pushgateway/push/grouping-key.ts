// The path of a push names its group: `/metrics/job/JOB{/LABEL/VALUE}`.
import { isValidLabelName, type NameScheme, unescapeName } from "@narthex/model";
import { labelsKey } from "../family/family.ts";
import { decodeCarrying, goQuote } from "../family/go-text.ts";
import { sortLabels } from "../family/labels.ts";

const BASE64_SUFFIX = "@base64";

/** The labels of a group. */
export interface GroupingKey {
  /** Names and values in turn, sorted by name, as they were written; `job` is among them and not empty. */
  readonly labels: readonly string[];
  /** The same for all keys that mean the same: a label with the empty value is a label that is not there. */
  readonly key: string;
}

/** Why a path names no group; `message` is for whoever asked. */
export interface KeyRefusal {
  readonly message: string;
}

/** Which label names a path may have. */
export interface KeyRules {
  readonly scheme: NameScheme;
  /** Whether `U__` escapes are undone. */
  readonly unescapes: boolean;
}

/**
 * Reads what stands behind `/metrics/job` or `/metrics/job@base64`: `job` is the next segment, `rest` what follows it, from its slash on
 * or empty. Both are percent-decoded already.
 */
export function parseGroupingKey(
  job: string,
  isBase64: boolean,
  rest: string,
  rules: KeyRules,
): GroupingKey | KeyRefusal {
  let jobName = job;
  if (isBase64) {
    const decoded = decodeBase64(job);
    if (decoded.fault !== undefined) {
      const shown = goQuote(decoded.text);
      return {
        message: `invalid base64 encoding in job name ${shown}: illegal base64 data at input byte ${decoded.fault}`,
      };
    }
    jobName = decoded.text;
  }
  const labels = new Map<string, string>();
  const refusal = readPairs(rest, rules, labels);
  if (refusal !== undefined) return { message: refusal };
  if (jobName === "") return { message: "job name is required" };
  labels.set("job", jobName);
  for (const [name, value] of labels) {
    if (!value.isWellFormed())
      return { message: `grouping label ${goQuote(name)} has a value that is not UTF-8: ${goQuote(value)}` };
  }
  return groupingKey([...labels].flat());
}

/** The key of these labels, names and values in turn. */
export function groupingKey(labels: readonly string[]): GroupingKey {
  const sorted = sortLabels(labels);
  const present: string[] = [];
  for (let i = 0; i < sorted.length; i += 2)
    if (sorted[i + 1] !== "") present.push(sorted[i] as string, sorted[i + 1] as string);
  return { labels: sorted, key: labelsKey(present) };
}

/** Reads `/name/value/name/value`; the last value of a name wins. Returns what is wrong. */
function readPairs(rest: string, { scheme, unescapes }: KeyRules, into: Map<string, string>): string | undefined {
  if (rest.length <= 1) return undefined;
  const parts = rest.slice(1).split("/");
  if (parts.length % 2 !== 0) return `odd number of components in label string ${goQuote(rest)}`;
  for (let i = 0; i < parts.length; i += 2) {
    const written = parts[i] as string;
    const value = parts[i + 1] as string;
    const isBase64 = written.endsWith(BASE64_SUFFIX);
    const trimmed = isBase64 ? written.slice(0, -BASE64_SUFFIX.length) : written;
    const name = unescapes ? unescapeName(trimmed) : trimmed;
    if (!isValidLabelName(name, scheme) || trimmed.startsWith("__") || name.startsWith("__"))
      return `improper label name ${goQuote(trimmed)}`;
    if (!isBase64) {
      into.set(name, value);
      continue;
    }
    const decoded = decodeBase64(value);
    if (decoded.fault !== undefined)
      return `invalid base64 encoding for label ${trimmed}=${goQuote(value)}: illegal base64 data at input byte ${decoded.fault}`;
    into.set(name, decoded.text);
  }
  return undefined;
}

/**
 * Text from base64 of the URL-safe alphabet, padding optional. `fault` is the position of the first byte that does not belong there;
 * `text` is then what came before it, in whole groups of three.
 */
export function decodeBase64(encoded: string): { readonly text: string; readonly fault: number | undefined } {
  const padded = Buffer.from(encoded, "utf8");
  let end = padded.length;
  while (end > 0 && padded[end - 1] === 0x3d) end--;
  const kept: number[] = [];
  /** Where each kept byte stood. */
  const positions: number[] = [];
  let fault: number | undefined;
  for (let i = 0; i < end; i++) {
    const byte = padded[i] as number;
    if (byte === 0x0a || byte === 0x0d) continue;
    if (!/[A-Za-z0-9_-]/.test(String.fromCharCode(byte))) {
      fault = i;
      break;
    }
    kept.push(byte);
    positions.push(i);
  }
  const whole = kept.length - (kept.length % 4);
  if (fault === undefined && kept.length % 4 === 1) fault = positions[kept.length - 1];
  const usable = fault === undefined ? kept.length : whole;
  const bytes = Buffer.from(Buffer.from(kept.slice(0, usable)).toString("latin1"), "base64url");
  return { text: decodeCarrying(bytes), fault };
}

/** Undoes percent-encoding; undefined where a `%` is not followed by two hexadecimal digits. */
export function decodePath(path: string): string | undefined {
  if (!path.includes("%")) return path;
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
  const bytes: Buffer[] = [];
  for (const part of path.split(/(%[0-9a-fA-F]{2})/)) {
    if (part.startsWith("%") && part.length === 3) bytes.push(Buffer.from([Number.parseInt(part.slice(1), 16)]));
    else if (part !== "") bytes.push(Buffer.from(part, "utf8"));
  }
  return decodeCarrying(Buffer.concat(bytes));
}
