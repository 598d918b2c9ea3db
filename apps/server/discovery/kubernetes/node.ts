// Nodes, reduced to what targets show of them. Source: Kubernetes API, core/v1 `Node`.
import { integerOf, type JsonObject, objectOf, objectsOf, textOf } from "@narthex/toolkit";
import { joinHostPort, sanitizeLabelName } from "../meta-label.ts";
import type { TargetGroup } from "../target-group.ts";
import { addMeta, metaOf, PREFIX, type StoredObject } from "./object-meta.ts";

/** Where a node is reached, the first kind that it has. */
const PREFERRED = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];

/** A node. */
export interface Node extends StoredObject {
  readonly providerId: string;
  /** Of the kubelet. */
  readonly port: number;
  /** Kinds and addresses in turn, the first of each kind. */
  readonly addresses: readonly string[];
  /** Types and states in turn. */
  readonly conditions: readonly string[];
}

/** Reads a node. Throws a `ShapeError`. */
export function readNode(object: JsonObject): Node {
  const status = objectOf(object["status"], "node status");
  const addresses = new Map<string, string>();
  for (const address of objectsOf(status["addresses"], "node addresses")) {
    const kind = textOf(address["type"], "address type");
    if (!addresses.has(kind)) addresses.set(kind, textOf(address["address"], "address"));
  }
  const kubelet = objectOf(
    objectOf(status["daemonEndpoints"], "daemonEndpoints")["kubeletEndpoint"],
    "kubeletEndpoint",
  );
  return {
    meta: metaOf(object),
    providerId: textOf(objectOf(object["spec"], "node spec")["providerID"], "providerID"),
    port: integerOf(kubelet["Port"], "kubelet port"),
    addresses: [...addresses].flat(),
    conditions: objectsOf(status["conditions"], "node conditions").flatMap((condition) => [
      textOf(condition["type"], "condition type"),
      textOf(condition["status"], "condition status"),
    ]),
  };
}

/** The kubelet of a node as target; undefined when the node has no address. */
export function nodeGroup(node: Node): TargetGroup | undefined {
  const addresses = new Map<string, string>();
  for (let i = 0; i < node.addresses.length; i += 2) addresses.set(node.addresses[i]!, node.addresses[i + 1]!);
  const kind = PREFERRED.find((wanted) => addresses.has(wanted));
  if (kind === undefined) return undefined;
  const labels = new Map([[`${PREFIX}node_provider_id`, node.providerId]]);
  for (let i = 0; i < node.conditions.length; i += 2) {
    const type = sanitizeLabelName(node.conditions[i]!.toLowerCase());
    labels.set(`${PREFIX}node_condition_${type}`, node.conditions[i + 1]!.toLowerCase());
  }
  addMeta(labels, node.meta, "node");
  const target = new Map([
    ["__address__", joinHostPort(addresses.get(kind)!, node.port)],
    ["instance", node.meta.name],
  ]);
  for (const [type, address] of addresses) target.set(sanitizeLabelName(`${PREFIX}node_address_${type}`), address);
  return { source: `node/${node.meta.name}`, labels, targets: [target] };
}
