// The instances of one Consul service as a target group.
import { integerOf, type JsonObject, objectOf, objectsOf, textOf, textPairsOf, textsOf } from "@narthex/toolkit";
import { joinedList, joinHostPort, sanitizeLabelName } from "../meta-label.ts";
import type { TargetGroup } from "../target-group.ts";

const NODE_MAINTENANCE = "_node_maintenance";
const SERVICE_MAINTENANCE = "_service_maintenance:";

/** The group of a service, from the answer of `/v1/health/service/<name>`. Throws a `ShapeError`. */
export function serviceGroup(name: string, datacenter: string, separator: string, entries: unknown): TargetGroup {
  return {
    source: name,
    labels: new Map([
      ["__meta_consul_service", name],
      ["__meta_consul_dc", datacenter],
    ]),
    targets: objectsOf(entries, "health entries").map((entry) => instanceLabels(entry, separator)),
  };
}

function instanceLabels(entry: JsonObject, separator: string): Map<string, string> {
  const service = objectOf(entry["Service"], "Service");
  const node = objectOf(entry["Node"], "Node");
  const serviceAddress = textOf(service["Address"], "Service.Address");
  const nodeAddress = textOf(node["Address"], "Node.Address");
  const port = integerOf(service["Port"], "Service.Port");
  const labels = new Map([
    // A service may be registered through another node than the one it runs on.
    ["__address__", joinHostPort(serviceAddress || nodeAddress, port)],
    ["__meta_consul_address", nodeAddress],
    ["__meta_consul_node", textOf(node["Node"], "Node.Node")],
    ["__meta_consul_namespace", textOf(service["Namespace"], "Service.Namespace")],
    ["__meta_consul_partition", textOf(service["Partition"], "Service.Partition")],
    ["__meta_consul_tags", joinedList(textsOf(service["Tags"], "Service.Tags"), separator)],
    ["__meta_consul_service_address", serviceAddress],
    ["__meta_consul_service_port", String(port)],
    ["__meta_consul_service_id", textOf(service["ID"], "Service.ID")],
    ["__meta_consul_health", aggregatedHealth(objectsOf(entry["Checks"], "Checks"))],
  ]);
  const add = (prefix: string, pairs: unknown, place: string) => {
    for (const [key, value] of textPairsOf(pairs, place)) labels.set(prefix + sanitizeLabelName(key), value);
  };
  add("__meta_consul_metadata_", node["Meta"], "Node.Meta");
  add("__meta_consul_service_metadata_", service["Meta"], "Service.Meta");
  add("__meta_consul_tagged_address_", node["TaggedAddresses"], "Node.TaggedAddresses");
  return labels;
}

/** The worst of all checks; maintenance goes before all. "" when a check has a state that nobody knows. */
export function aggregatedHealth(checks: readonly JsonObject[]): string {
  const states = new Set<string>();
  for (const check of checks) {
    const id = textOf(check["CheckID"], "CheckID");
    if (id === NODE_MAINTENANCE || id.startsWith(SERVICE_MAINTENANCE)) {
      states.add("maintenance");
      continue;
    }
    const status = textOf(check["Status"], "Status");
    if (status !== "passing" && status !== "warning" && status !== "critical") return "";
    states.add(status);
  }
  return ["maintenance", "critical", "warning"].find((state) => states.has(state)) ?? "passing";
}
