// Endpoint slices, reduced to what targets show of them. Source: Kubernetes API, discovery.k8s.io/v1 `EndpointSlice`.
import {
  integerOf,
  type JsonObject,
  objectOf,
  objectsOf,
  optionalFlagOf,
  optionalTextOf,
  textOf,
  textPairsOf,
  textsOf,
} from "@narthex/toolkit";
import { joinHostPort, sanitizeLabelName } from "../meta-label.ts";
import type { TargetGroup } from "../target-group.ts";
import { addNamespaceLabels, addNodeLabels, type ClusterView } from "./cluster-view.ts";
import { podKeyOf, refOf, type TargetRef } from "./endpoints.ts";
import { addMeta, keyOf, labelOf, metaOf, PREFIX, type StoredObject } from "./object-meta.ts";
import { addContainerLabels, addPodLabels, SeenPods } from "./pod-targets.ts";
import { addServiceLabels, type Service } from "./service.ts";

const SLICE = `${PREFIX}endpointslice_`;
const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** A port of a slice. */
export interface SlicePort {
  readonly name: string | undefined;
  readonly number: number | undefined;
  readonly protocol: string | undefined;
  readonly appProtocol: string | undefined;
}

/** One endpoint of a slice. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly ready: boolean | undefined;
  readonly serving: boolean | undefined;
  readonly terminating: boolean | undefined;
  readonly hostname: string | undefined;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  readonly ref: TargetRef | undefined;
  readonly topology: readonly (readonly [string, string])[];
}

/** A slice of a service's endpoints. */
export interface EndpointSlice extends StoredObject {
  readonly addressType: string;
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly SlicePort[];
}

/** Reads a slice. Throws a `ShapeError`. */
export function readEndpointSlice(object: JsonObject): EndpointSlice {
  return {
    meta: metaOf(object),
    addressType: textOf(object["addressType"], "addressType"),
    endpoints: objectsOf(object["endpoints"], "endpoints").map((endpoint) => {
      const conditions = objectOf(endpoint["conditions"], "endpoint conditions");
      return {
        addresses: textsOf(endpoint["addresses"], "endpoint addresses"),
        ready: optionalFlagOf(conditions["ready"], "ready"),
        serving: optionalFlagOf(conditions["serving"], "serving"),
        terminating: optionalFlagOf(conditions["terminating"], "terminating"),
        hostname: optionalTextOf(endpoint["hostname"], "hostname"),
        nodeName: optionalTextOf(endpoint["nodeName"], "nodeName"),
        zone: optionalTextOf(endpoint["zone"], "zone"),
        ref: refOf(endpoint["targetRef"]),
        topology: textPairsOf(endpoint["deprecatedTopology"], "deprecatedTopology"),
      };
    }),
    ports: objectsOf(object["ports"], "slice ports").map((port) => ({
      name: optionalTextOf(port["name"], "port name"),
      number: port["port"] === null || port["port"] === undefined ? undefined : integerOf(port["port"], "port"),
      protocol: optionalTextOf(port["protocol"], "port protocol"),
      appProtocol: optionalTextOf(port["appProtocol"], "appProtocol"),
    })),
  };
}

/** The key of the service that a slice belongs to; undefined for a slice of nobody. */
export function serviceKeyOf({ meta }: EndpointSlice): string | undefined {
  const name = labelOf(meta, SERVICE_NAME_LABEL);
  return name === undefined ? undefined : `${meta.namespace}/${name}`;
}

/** A target for each port of each address, and for the other ports of the pods behind them. */
export function endpointSliceGroup(slice: EndpointSlice, view: ClusterView): TargetGroup {
  const { meta, addressType, endpoints, ports } = slice;
  const labels = new Map([
    [`${PREFIX}namespace`, meta.namespace],
    [`${SLICE}address_type`, addressType],
  ]);
  addMeta(labels, meta, "endpointslice");
  const serviceKey = serviceKeyOf(slice);
  const service = serviceKey === undefined ? undefined : view.services?.get(serviceKey);
  if (service !== undefined) addServiceLabels(labels, service);
  addNamespaceLabels(labels, meta.namespace, view);
  const targets: Map<string, string>[] = [];
  if (!isSecondary(slice, service)) {
    const seen = new SeenPods();
    for (const endpoint of endpoints) {
      for (const port of ports) {
        for (const address of endpoint.addresses) targets.push(endpointTarget(address, endpoint, port, view, seen));
      }
    }
    targets.push(...seen.otherPorts(view));
  }
  return { source: `endpointslice/${keyOf(meta)}`, labels, targets };
}

/** Services with addresses of two families have slices of both, which lead to the same pods: only the first counts. */
function isSecondary(slice: EndpointSlice, service: Service | undefined): boolean {
  const primary = service?.primaryIpFamily ?? "";
  return primary !== "" && slice.addressType !== primary;
}

function endpointTarget(
  address: string,
  endpoint: SliceEndpoint,
  port: SlicePort,
  view: ClusterView,
  seen: SeenPods,
): Map<string, string> {
  const { number } = port;
  const { ref, nodeName } = endpoint;
  const target = new Map([["__address__", number === undefined ? address : joinHostPort(address, number)]]);
  const add = (name: string, value: string | boolean | number | undefined) => {
    if (value !== undefined) target.set(SLICE + name, String(value));
  };
  add("port_name", port.name);
  add("port_protocol", port.protocol);
  add("port", number);
  add("port_app_protocol", port.appProtocol);
  add("endpoint_conditions_ready", endpoint.ready);
  add("endpoint_conditions_serving", endpoint.serving);
  add("endpoint_conditions_terminating", endpoint.terminating);
  add("endpoint_hostname", endpoint.hostname);
  add("address_target_kind", ref?.kind);
  add("address_target_name", ref?.name);
  add("endpoint_node_name", nodeName);
  add("endpoint_zone", endpoint.zone);
  for (const [key, value] of endpoint.topology) {
    add(`endpoint_topology_${sanitizeLabelName(key)}`, value);
    add(`endpoint_topology_present_${sanitizeLabelName(key)}`, true);
  }
  addNodeLabels(target, ref?.kind === "Node" ? ref.name : nodeName, view);
  const podKey = podKeyOf(ref);
  const pod = podKey === undefined ? undefined : view.pods?.get(podKey);
  if (pod === undefined) return target;
  addPodLabels(target, pod, view);
  for (const container of pod.containers) {
    const own = container.ports.find((candidate) => candidate.number === number);
    if (own !== undefined) addContainerLabels(target, container, own, own.protocol);
  }
  seen.add(pod, number);
  return target;
}
