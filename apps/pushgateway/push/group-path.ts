// The path of a group, for whoever wants to push to it or delete it.
import { escapeName } from "@narthex/model";

/** What needs no encoding in a path, and is not tidied away by anybody on the road. */
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** `metrics/job/JOB/…`, relative; `labels` are names and values in turn, `job` first. Values are in base64 where they must be. */
export function deletePath(labels: readonly string[], escapesNames: boolean): string {
  const parts = ["metrics"];
  for (let i = 0; i < labels.length; i += 2) {
    const written = labels[i] as string;
    const name = escapesNames ? escapeName(written, "values") : written;
    const value = labels[i + 1] as string;
    if (PLAIN.test(value)) parts.push(name, value);
    else parts.push(`${name}@base64`, value === "" ? "=" : Buffer.from(value, "utf8").toString("base64url"));
  }
  return parts.map(encodeURIComponent).join("/").replaceAll("%40", "@").replaceAll("%3D", "=");
}
