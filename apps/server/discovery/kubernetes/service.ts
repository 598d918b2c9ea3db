// Services, reduced to what targets show of them. Source: Kubernetes API, core/v1 `Service`.
import { integerOf, type JsonObject, objectOf, objectsOf, textOf, textsOf } from "@narthex/toolkit";
import { joinHostPort } from "../meta-label.ts";
import type { TargetGroup } from "../target-group.ts";
import { addNamespaceLabels, type ClusterView } from "./cluster-view.ts";
import { addMeta, keyOf, metaOf, PREFIX, type StoredObject } from "./object-meta.ts";

/** A service. */
export interface Service extends StoredObject {
  readonly type: string;
  readonly clusterIp: string;
  readonly externalName: string;
  /** Addresses of its load balancer, joined by commas. */
  readonly loadBalancerIp: string;
  /** The family that counts when it has addresses of both; "" when it has but one. */
  readonly primaryIpFamily: string;
  readonly ports: readonly { readonly name: string; readonly number: number; readonly protocol: string }[];
}

/** Reads a service. Throws a `ShapeError`. */
export function readService(object: JsonObject): Service {
  const spec = objectOf(object["spec"], "service spec");
  const balancer = objectOf(objectOf(object["status"], "service status")["loadBalancer"], "loadBalancer");
  const addresses = objectsOf(balancer["ingress"], "loadBalancer ingress")
    .map((ingress) => textOf(ingress["ip"], "loadBalancer ip"))
    .filter((ip) => ip !== "");
  const policy = textOf(spec["ipFamilyPolicy"], "ipFamilyPolicy");
  const families = textsOf(spec["ipFamilies"], "ipFamilies");
  const isDual = policy === "PreferDualStack" || policy === "RequireDualStack";
  return {
    meta: metaOf(object),
    type: textOf(spec["type"], "service type"),
    clusterIp: textOf(spec["clusterIP"], "clusterIP"),
    externalName: textOf(spec["externalName"], "externalName"),
    loadBalancerIp: addresses.length > 0 ? addresses.join() : textOf(spec["loadBalancerIP"], "loadBalancerIP"),
    primaryIpFamily: isDual ? (families[0] ?? "") : "",
    ports: objectsOf(spec["ports"], "service ports").map((port) => ({
      name: textOf(port["name"], "port name"),
      number: integerOf(port["port"], "port"),
      protocol: textOf(port["protocol"], "port protocol"),
    })),
  };
}

/** The labels that a service gives to whatever belongs to it. */
export function addServiceLabels(labels: Map<string, string>, service: Service): void {
  labels.set(`${PREFIX}namespace`, service.meta.namespace);
  addMeta(labels, service.meta, "service");
}

/** A target for each port of a service. */
export function serviceGroup(service: Service, view: ClusterView): TargetGroup {
  const { meta, type, ports } = service;
  const labels = new Map<string, string>();
  addServiceLabels(labels, service);
  addNamespaceLabels(labels, meta.namespace, view);
  const targets = ports.map(({ name, number, protocol }) => {
    const target = new Map([
      ["__address__", joinHostPort(`${meta.name}.${meta.namespace}.svc`, number)],
      [`${PREFIX}service_port_name`, name],
      [`${PREFIX}service_port_number`, String(number)],
      [`${PREFIX}service_port_protocol`, protocol],
      [`${PREFIX}service_type`, type],
    ]);
    if (type === "ExternalName") target.set(`${PREFIX}service_external_name`, service.externalName);
    else target.set(`${PREFIX}service_cluster_ip`, service.clusterIp);
    if (type === "LoadBalancer") target.set(`${PREFIX}service_loadbalancer_ip`, service.loadBalancerIp);
    return target;
  });
  return { source: `svc/${keyOf(meta)}`, labels, targets };
}
