// Pods as targets, and as labels of the endpoints that lead to them.
import { joinHostPort } from "../meta-label.ts";
import type { TargetGroup } from "../target-group.ts";
import { addNamespaceLabels, addNodeLabels, type ClusterView } from "./cluster-view.ts";
import { addMeta, keyOf, PREFIX } from "./object-meta.ts";
import type { Container, ContainerPort, Pod } from "./pod.ts";

/** A target for each port of each container, or one without a port for a container without ports. */
export function podGroup(pod: Pod, view: ClusterView): TargetGroup {
  const { meta, ip, nodeName, containers } = pod;
  const source = `pod/${keyOf(meta)}`;
  // Nodes that a selector leaves out take their pods along.
  if (ip === "" || (view.nodes !== undefined && view.nodes.get(nodeName) === undefined)) {
    return { source, labels: new Map(), targets: [] };
  }
  const labels = new Map<string, string>();
  addPodLabels(labels, pod, view);
  labels.set(`${PREFIX}namespace`, meta.namespace);
  addNodeLabels(labels, nodeName, view);
  addNamespaceLabels(labels, meta.namespace, view);
  const targets: Map<string, string>[] = [];
  for (const container of containers) {
    const { name, id, image, isInit, ports } = container;
    const target = (address: string) =>
      new Map([
        ["__address__", address],
        [`${PREFIX}pod_container_name`, name],
        [`${PREFIX}pod_container_id`, id],
        [`${PREFIX}pod_container_image`, image],
        [`${PREFIX}pod_container_init`, String(isInit)],
      ]);
    if (ports.length === 0) targets.push(target(ip));
    for (const port of ports) {
      targets.push(
        target(joinHostPort(ip, port.number))
          .set(`${PREFIX}pod_container_port_number`, String(port.number))
          .set(`${PREFIX}pod_container_port_name`, port.name)
          .set(`${PREFIX}pod_container_port_protocol`, port.protocol),
      );
    }
  }
  return { source, labels, targets };
}

/** What a pod says of itself, and of whoever made it. */
export function addPodLabels(labels: Map<string, string>, pod: Pod, view: ClusterView): void {
  const { meta } = pod;
  labels.set(`${PREFIX}pod_ip`, pod.ip);
  labels.set(`${PREFIX}pod_ready`, pod.ready);
  labels.set(`${PREFIX}pod_phase`, pod.phase);
  labels.set(`${PREFIX}pod_node_name`, pod.nodeName);
  labels.set(`${PREFIX}pod_host_ip`, pod.hostIp);
  labels.set(`${PREFIX}pod_uid`, meta.uid);
  addMeta(labels, meta, "pod");
  const { ownerKind, ownerName } = meta;
  if (ownerKind !== "") labels.set(`${PREFIX}pod_controller_kind`, ownerKind);
  if (ownerName !== "") labels.set(`${PREFIX}pod_controller_name`, ownerName);
  const { deployment, job, cronjob } = view.attach;
  const ownerKey = `${meta.namespace}/${ownerName}`;
  if (ownerKind === "ReplicaSet" && deployment) {
    const made = view.replicaSets?.get(ownerKey)?.meta;
    if (made?.ownerKind === "Deployment") labels.set(`${PREFIX}pod_deployment_name`, made.ownerName);
  }
  if (ownerKind !== "Job") return;
  if (job) labels.set(`${PREFIX}pod_job_name`, ownerName);
  if (!cronjob) return;
  const made = view.jobs?.get(ownerKey)?.meta;
  if (made?.ownerKind === "CronJob") labels.set(`${PREFIX}pod_cronjob_name`, made.ownerName);
}

/** What endpoints show of the container behind them. */
export function addContainerLabels(
  labels: Map<string, string>,
  container: Container,
  port: ContainerPort,
  protocol: string,
): void {
  labels.set(`${PREFIX}pod_container_name`, container.name);
  labels.set(`${PREFIX}pod_container_image`, container.image);
  labels.set(`${PREFIX}pod_container_port_name`, port.name);
  labels.set(`${PREFIX}pod_container_port_number`, String(port.number));
  labels.set(`${PREFIX}pod_container_port_protocol`, protocol);
  labels.set(`${PREFIX}pod_container_init`, String(container.isInit));
}

/** The pods that endpoints led to, and the ports of each that have a target already. */
export class SeenPods {
  readonly #ports = new Map<Pod, Set<number>>();

  /** A target leads to a port of a pod; undefined for one without a port. */
  add(pod: Pod, port: number | undefined): void {
    let ports = this.#ports.get(pod);
    if (ports === undefined) this.#ports.set(pod, (ports = new Set()));
    if (port !== undefined) ports.add(port);
  }

  /** Targets for all other ports of these pods: services do not name them, but they are there. */
  otherPorts(view: ClusterView): Map<string, string>[] {
    const targets: Map<string, string>[] = [];
    for (const [pod, seen] of this.#ports) {
      if (pod.ip === "") continue;
      for (const container of pod.containers) {
        for (const port of container.ports) {
          if (seen.has(port.number)) continue;
          const target = new Map([["__address__", joinHostPort(pod.ip, port.number)]]);
          addContainerLabels(target, container, port, port.protocol);
          addPodLabels(target, pod, view);
          targets.push(target);
        }
      }
    }
    return targets;
  }
}
