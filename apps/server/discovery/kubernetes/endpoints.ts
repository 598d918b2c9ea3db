// Endpoints, reduced to what targets show of them. Source: Kubernetes API, core/v1 `Endpoints`.
import { integerOf, type JsonObject, objectsOf, optionalObjectOf, optionalTextOf, textOf } from "@narthex/toolkit";
import { joinHostPort } from "../meta-label.ts";
import type { TargetGroup } from "../target-group.ts";
import { addNamespaceLabels, addNodeLabels, type ClusterView } from "./cluster-view.ts";
import { addMeta, keyOf, metaOf, PREFIX, type StoredObject } from "./object-meta.ts";
import { addContainerLabels, addPodLabels, SeenPods } from "./pod-targets.ts";
import { addServiceLabels } from "./service.ts";

/** The object that an address leads to. */
export interface TargetRef {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** An address of endpoints. */
export interface EndpointAddress {
  readonly ip: string;
  readonly hostname: string;
  readonly nodeName: string | undefined;
  readonly ref: TargetRef | undefined;
  readonly isReady: boolean;
}

/** Addresses that share their ports. */
export interface EndpointSubset {
  readonly addresses: readonly EndpointAddress[];
  readonly ports: readonly { readonly name: string; readonly number: number; readonly protocol: string }[];
}

/** The endpoints of a service. */
export interface Endpoints extends StoredObject {
  readonly subsets: readonly EndpointSubset[];
}

/** Reads endpoints. Throws a `ShapeError`. */
export function readEndpoints(object: JsonObject): Endpoints {
  return {
    meta: metaOf(object),
    subsets: objectsOf(object["subsets"], "subsets").map((subset) => ({
      addresses: [...addressesOf(subset["addresses"], true), ...addressesOf(subset["notReadyAddresses"], false)],
      ports: objectsOf(subset["ports"], "endpoint ports").map((port) => ({
        name: textOf(port["name"], "port name"),
        number: integerOf(port["port"], "port"),
        protocol: textOf(port["protocol"], "port protocol"),
      })),
    })),
  };
}

function addressesOf(addresses: unknown, isReady: boolean): EndpointAddress[] {
  return objectsOf(addresses, "addresses").map((address) => ({
    ip: textOf(address["ip"], "address ip"),
    hostname: textOf(address["hostname"], "hostname"),
    nodeName: optionalTextOf(address["nodeName"], "nodeName"),
    ref: refOf(address["targetRef"]),
    isReady,
  }));
}

/** Reads a reference to an object. */
export function refOf(value: unknown): TargetRef | undefined {
  const ref = optionalObjectOf(value, "targetRef");
  if (ref === undefined) return undefined;
  return {
    kind: textOf(ref["kind"], "targetRef kind"),
    name: textOf(ref["name"], "targetRef name"),
    namespace: textOf(ref["namespace"], "targetRef namespace"),
  };
}

/** The key of the pod that an address leads to; undefined when it leads to none. */
export function podKeyOf(ref: TargetRef | undefined): string | undefined {
  return ref?.kind === "Pod" ? `${ref.namespace}/${ref.name}` : undefined;
}

/** A target for each port of each address, and for the other ports of the pods behind them. */
export function endpointsGroup(endpoints: Endpoints, view: ClusterView): TargetGroup {
  const { meta, subsets } = endpoints;
  const key = keyOf(meta);
  const labels = new Map([[`${PREFIX}namespace`, meta.namespace]]);
  const service = view.services?.get(key);
  if (service !== undefined) addServiceLabels(labels, service);
  addMeta(labels, meta, "endpoints");
  addNamespaceLabels(labels, meta.namespace, view);
  const seen = new SeenPods();
  const targets: Map<string, string>[] = [];
  for (const { addresses, ports } of subsets) {
    for (const port of ports) {
      for (const address of addresses) targets.push(addressTarget(address, port, view, seen));
    }
  }
  targets.push(...seen.otherPorts(view));
  return { source: `endpoints/${key}`, labels, targets };
}

function addressTarget(
  address: EndpointAddress,
  port: EndpointSubset["ports"][number],
  view: ClusterView,
  seen: SeenPods,
): Map<string, string> {
  const { ip, hostname, nodeName, ref, isReady } = address;
  const target = new Map([
    ["__address__", joinHostPort(ip, port.number)],
    [`${PREFIX}endpoint_port_name`, port.name],
    [`${PREFIX}endpoint_port_protocol`, port.protocol],
    [`${PREFIX}endpoint_ready`, String(isReady)],
  ]);
  if (ref !== undefined) {
    target.set(`${PREFIX}endpoint_address_target_kind`, ref.kind);
    target.set(`${PREFIX}endpoint_address_target_name`, ref.name);
  }
  if (nodeName !== undefined) target.set(`${PREFIX}endpoint_node_name`, nodeName);
  if (hostname !== "") target.set(`${PREFIX}endpoint_hostname`, hostname);
  addNodeLabels(target, nodeName ?? (ref?.kind === "Node" ? ref.name : undefined), view);
  const podKey = podKeyOf(ref);
  const pod = podKey === undefined ? undefined : view.pods?.get(podKey);
  if (pod === undefined) return target;
  addPodLabels(target, pod, view);
  for (const container of pod.containers) {
    const own = container.ports.find(({ number }) => number === port.number);
    if (own !== undefined) addContainerLabels(target, container, own, port.protocol);
  }
  seen.add(pod, port.number);
  return target;
}
