// Nodes of a swarm: as targets, and as labels of the tasks that run on them.
import { flagOf, type JsonObject, objectOf, optionalObjectOf, textOf } from "@narthex/toolkit";
import { joinHostPort } from "../meta-label.ts";
import { addLabels } from "./network-labels.ts";

const PREFIX = "__meta_dockerswarm_node_";

/** The label that tells where a node is. */
export const NODE_ADDRESS_LABEL: string = `${PREFIX}address`;

/** One target per node. */
export function nodeTargets(nodes: readonly JsonObject[], port: number): ReadonlyMap<string, string>[] {
  return nodes.map((node) => {
    const labels = nodeLabels(node);
    const engine = objectOf(objectOf(node["Description"], "node Description")["Engine"], "node Engine");
    labels.set(`${PREFIX}engine_version`, textOf(engine["EngineVersion"], "EngineVersion"));
    const manager = optionalObjectOf(node["ManagerStatus"], "ManagerStatus");
    if (manager !== undefined) {
      labels.set(`${PREFIX}manager_leader`, String(flagOf(manager["Leader"], "Leader")));
      labels.set(`${PREFIX}manager_reachability`, textOf(manager["Reachability"], "Reachability"));
      labels.set(`${PREFIX}manager_address`, textOf(manager["Addr"], "ManagerStatus Addr"));
    }
    return labels.set("__address__", joinHostPort(labels.get(NODE_ADDRESS_LABEL) ?? "", port));
  });
}

/** What a task says of the node it runs on. */
export function nodeLabels(node: JsonObject): Map<string, string> {
  const spec = objectOf(node["Spec"], "node Spec");
  const description = objectOf(node["Description"], "node Description");
  const platform = objectOf(description["Platform"], "node Platform");
  const status = objectOf(node["Status"], "node Status");
  const labels = new Map([
    [`${PREFIX}id`, textOf(node["ID"], "node ID")],
    [`${PREFIX}role`, textOf(spec["Role"], "node Role")],
    [NODE_ADDRESS_LABEL, textOf(status["Addr"], "node Addr")],
    [`${PREFIX}availability`, textOf(spec["Availability"], "Availability")],
    [`${PREFIX}hostname`, textOf(description["Hostname"], "Hostname")],
    [`${PREFIX}platform_architecture`, textOf(platform["Architecture"], "Architecture")],
    [`${PREFIX}platform_os`, textOf(platform["OS"], "OS")],
    [`${PREFIX}status`, textOf(status["State"], "node State")],
  ]);
  addLabels(labels, `${PREFIX}label_`, spec["Labels"], "node Labels");
  return labels;
}
