// A machine of Compute Engine as target. Source: Compute Engine API v1, `Instance`.
import { type JsonObject, objectOf, objectsOf, optionalTextOf, textOf, textPairsOf, textsOf } from "@narthex/toolkit";
import { joinedList, sanitizeLabelName } from "../meta-label.ts";

const PREFIX = "__meta_gce_";

/** What a configuration says of targets. */
export interface InstanceRules {
  readonly project: string;
  readonly port: number;
  readonly tagSeparator: string;
}

/** The labels of a machine; undefined for one without a network. Throws a `ShapeError`. */
export function instanceTarget(instance: JsonObject, rules: InstanceRules): Map<string, string> | undefined {
  const interfaces = objectsOf(instance["networkInterfaces"], "networkInterfaces");
  const [first] = interfaces;
  if (first === undefined) return undefined;
  const text = (name: string) => textOf(instance[name], name);
  const ip = textOf(first["networkIP"], "networkIP");
  const labels = new Map([
    ["__address__", `${ip}:${rules.port}`],
    [`${PREFIX}project`, rules.project],
    [`${PREFIX}zone`, text("zone")],
    // A number of 64 bits, as text.
    [`${PREFIX}instance_id`, text("id")],
    [`${PREFIX}instance_name`, text("name")],
    [`${PREFIX}instance_status`, text("status")],
    [`${PREFIX}machine_type`, text("machineType")],
    [`${PREFIX}network`, textOf(first["network"], "network")],
    [`${PREFIX}subnetwork`, textOf(first["subnetwork"], "subnetwork")],
    [`${PREFIX}private_ip`, ip],
  ]);
  for (const each of interfaces) {
    const name = sanitizeLabelName(textOf(each["name"], "interface name"));
    labels.set(`${PREFIX}interface_ipv4_${name}`, textOf(each["networkIP"], "networkIP"));
  }
  const tags = textsOf(objectOf(instance["tags"], "tags")["items"], "tag items");
  if (tags.length > 0) labels.set(`${PREFIX}tags`, joinedList(tags, rules.tagSeparator));
  for (const item of objectsOf(objectOf(instance["metadata"], "metadata")["items"], "metadata items")) {
    const value = optionalTextOf(item["value"], "metadata value");
    if (value !== undefined) labels.set(`${PREFIX}metadata_${sanitizeLabelName(textOf(item["key"], "key"))}`, value);
  }
  for (const [key, value] of textPairsOf(instance["labels"], "labels")) {
    labels.set(`${PREFIX}label_${sanitizeLabelName(key)}`, value);
  }
  const [access] = objectsOf(first["accessConfigs"], "accessConfigs");
  if (access !== undefined && textOf(access["type"], "access type") === "ONE_TO_ONE_NAT") {
    labels.set(`${PREFIX}public_ip`, textOf(access["natIP"], "natIP"));
  }
  return labels;
}
