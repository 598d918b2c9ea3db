// Tasks of a swarm as targets: at the ports of their node, and in each of their networks at the ports of the service.
import { integerOf, type JsonObject, objectOf, objectsOf, optionalObjectOf, textOf, textsOf } from "@narthex/toolkit";
import { joinHostPort } from "../meta-label.ts";
import { addLabels } from "./network-labels.ts";
import { NODE_ADDRESS_LABEL, nodeLabels } from "./swarm-node.ts";
import { hostOfNetwork, portsOf, serviceLabels, servicePorts } from "./swarm-service.ts";

const PREFIX = "__meta_dockerswarm_task_";

/** What belongs to tasks. */
export interface TaskSurroundings {
  readonly services: readonly JsonObject[];
  readonly nodes: readonly JsonObject[];
  /** Labels of networks by id. */
  readonly networks: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** For tasks whose service publishes no TCP port. */
  readonly port: number;
}

/** The targets of all tasks of a list. Throws a `ShapeError`, and for addresses that are none. */
export function taskTargets(tasks: readonly JsonObject[], around: TaskSurroundings): ReadonlyMap<string, string>[] {
  const { services, nodes, networks, port } = around;
  const byService = new Map(
    services.map((service) => [
      textOf(service["ID"], "service ID"),
      { labels: serviceLabels(service), ports: servicePorts(service).filter(({ protocol }) => protocol === "tcp") },
    ]),
  );
  const byNode = new Map(nodes.map((node) => [textOf(node["ID"], "node ID"), nodeLabels(node)]));
  const targets: ReadonlyMap<string, string>[] = [];
  for (const task of tasks) {
    const service = byService.get(textOf(task["ServiceID"], "ServiceID"));
    const node = byNode.get(textOf(task["NodeID"], "NodeID"));
    const common = [...taskLabels(task), ...(service?.labels ?? []), ...(node ?? [])] as const;
    const status = objectOf(task["Status"], "task Status");
    for (const own of portsOf(objectOf(status["PortStatus"], "PortStatus")["Ports"])) {
      if (own.protocol !== "tcp") continue;
      const address = joinHostPort(node?.get(NODE_ADDRESS_LABEL) ?? "", own.publishedPort);
      targets.push(new Map([[`${PREFIX}port_publish_mode`, own.publishMode], ...common, ["__address__", address]]));
    }
    for (const attachment of objectsOf(task["NetworksAttachments"], "NetworksAttachments")) {
      const network = textOf(objectOf(attachment["Network"], "attached Network")["ID"], "network ID");
      const labels = [...common, ...(networks.get(network) ?? [])] as const;
      for (const text of textsOf(attachment["Addresses"], "Addresses")) {
        const ip = hostOfNetwork(text);
        const ports = service?.ports ?? [];
        if (ports.length === 0) targets.push(new Map([...labels, ["__address__", joinHostPort(ip, port)]]));
        for (const { publishMode, publishedPort } of ports) {
          const address = joinHostPort(ip, publishedPort);
          targets.push(new Map([[`${PREFIX}port_publish_mode`, publishMode], ...labels, ["__address__", address]]));
        }
      }
    }
  }
  return targets;
}

function taskLabels(task: JsonObject): Map<string, string> {
  const status = objectOf(task["Status"], "task Status");
  const labels = new Map([
    [`${PREFIX}id`, textOf(task["ID"], "task ID")],
    [`${PREFIX}desired_state`, textOf(task["DesiredState"], "DesiredState")],
    [`${PREFIX}state`, textOf(status["State"], "task State")],
    [`${PREFIX}slot`, String(integerOf(task["Slot"], "Slot"))],
  ]);
  const container = optionalObjectOf(status["ContainerStatus"], "ContainerStatus");
  if (container !== undefined) labels.set(`${PREFIX}container_id`, textOf(container["ContainerID"], "ContainerID"));
  const spec = objectOf(objectOf(task["Spec"], "task Spec")["ContainerSpec"], "task ContainerSpec");
  addLabels(labels, "__meta_dockerswarm_container_label_", spec["Labels"], "container Labels");
  return labels;
}
