// Services of a swarm: as targets, and as labels of their tasks.

import { isIP } from "node:net";
import { integerOf, type JsonObject, objectOf, objectsOf, optionalObjectOf, textOf } from "@narthex/toolkit";
import { joinHostPort } from "../meta-label.ts";
import { addLabels } from "./network-labels.ts";

const PREFIX = "__meta_dockerswarm_service_";

/** A published port. */
export interface SwarmPort {
  readonly name: string;
  readonly protocol: string;
  readonly publishMode: string;
  readonly publishedPort: number;
}

/** One target for each TCP port at each virtual address; one with `port` at an address without such ports. */
export function serviceTargets(
  services: readonly JsonObject[],
  networks: ReadonlyMap<string, ReadonlyMap<string, string>>,
  port: number,
): ReadonlyMap<string, string>[] {
  const targets: ReadonlyMap<string, string>[] = [];
  for (const service of services) {
    const common = serviceLabels(service);
    const template = objectOf(objectOf(service["Spec"], "service Spec")["TaskTemplate"], "TaskTemplate");
    const container = optionalObjectOf(template["ContainerSpec"], "ContainerSpec");
    if (container !== undefined) {
      common.set(`${PREFIX}task_container_hostname`, textOf(container["Hostname"], "container Hostname"));
      common.set(`${PREFIX}task_container_image`, textOf(container["Image"], "container Image"));
    }
    const update = optionalObjectOf(service["UpdateStatus"], "UpdateStatus");
    if (update !== undefined) common.set(`${PREFIX}updating_status`, textOf(update["State"], "update State"));
    const ports = servicePorts(service).filter(({ protocol }) => protocol === "tcp");
    const endpoint = objectOf(service["Endpoint"], "service Endpoint");
    for (const address of objectsOf(endpoint["VirtualIPs"], "VirtualIPs")) {
      const ip = hostOfNetwork(textOf(address["Addr"], "VirtualIP Addr"));
      const labels = [...common, ...(networks.get(textOf(address["NetworkID"], "NetworkID")) ?? [])] as const;
      if (ports.length === 0) targets.push(new Map([...labels, ["__address__", joinHostPort(ip, port)]]));
      for (const { name, publishMode, publishedPort } of ports) {
        targets.push(
          new Map([
            [`${PREFIX}endpoint_port_name`, name],
            [`${PREFIX}endpoint_port_publish_mode`, publishMode],
            ...labels,
            ["__address__", joinHostPort(ip, publishedPort)],
          ]),
        );
      }
    }
  }
  return targets;
}

/** What a task says of its service. */
export function serviceLabels(service: JsonObject): Map<string, string> {
  const spec = objectOf(service["Spec"], "service Spec");
  const mode = objectOf(spec["Mode"], "service Mode");
  const isGlobal = optionalObjectOf(mode["Global"], "Global") !== undefined;
  const isReplicated = optionalObjectOf(mode["Replicated"], "Replicated") !== undefined;
  const labels = new Map([
    [`${PREFIX}id`, textOf(service["ID"], "service ID")],
    [`${PREFIX}name`, textOf(spec["Name"], "service Name")],
    [`${PREFIX}mode`, isGlobal ? "global" : isReplicated ? "replicated" : ""],
  ]);
  addLabels(labels, `${PREFIX}label_`, spec["Labels"], "service Labels");
  return labels;
}

/** The ports that a service publishes. */
export function servicePorts(service: JsonObject): readonly SwarmPort[] {
  return portsOf(objectOf(service["Endpoint"], "service Endpoint")["Ports"]);
}

/** Reads a list of published ports. */
export function portsOf(ports: unknown): readonly SwarmPort[] {
  return objectsOf(ports, "Ports").map((port) => ({
    name: textOf(port["Name"], "port Name"),
    protocol: textOf(port["Protocol"], "port Protocol"),
    publishMode: textOf(port["PublishMode"], "PublishMode"),
    publishedPort: integerOf(port["PublishedPort"], "PublishedPort"),
  }));
}

/** The address in `10.0.0.2/24`. Throws for anything else. */
export function hostOfNetwork(text: string): string {
  const [, host = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const kind = isIP(host);
  if (kind === 0 || Number(bits) > (kind === 4 ? 32 : 128)) {
    throw new Error(`error while parsing address ${text}: invalid CIDR address: ${text}`);
  }
  return host;
}
