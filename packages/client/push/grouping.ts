// Where a Pushgateway keeps what is pushed: the path made of job and grouping labels.
// Source: Pushgateway, README, "URL"; which values are encoded as client_golang encodes them.
import { isValidLabelName } from "../format/names.ts";

/** Labels by name. */
export type Grouping = Readonly<Record<string, string>>;

/** `/metrics/job/JOB/NAME/VALUE...`. Values that are empty or hold a slash go in base64. Throws for an empty job and for bad names. */
export function groupingPath(job: string, grouping: Grouping = {}): string {
  if (job === "") throw new Error("Missing jobName parameter");
  let path = `/metrics/${component("job", job)}`;
  for (const [name, value] of Object.entries(grouping)) {
    if (!isValidLabelName(name) || name === "job") throw new Error(`At least one label name is invalid: ${name}`);
    path += `/${component(name, String(value))}`;
  }
  return path;
}

function component(name: string, value: string): string {
  if (value === "") return `${name}@base64/=`;
  if (value.includes("/")) return `${name}@base64/${base64Url(value)}`;
  return `${name}/${encodeURIComponent(value)}`;
}

/** Base64 for URLs, without padding. */
function base64Url(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
