// Pods, reduced to what targets show of them. Source: Kubernetes API, core/v1 `Pod`.
import { integerOf, type JsonObject, objectOf, objectsOf, textOf } from "@narthex/toolkit";
import { metaOf, type StoredObject } from "./object-meta.ts";

/** A port of a container. */
export interface ContainerPort {
  readonly name: string;
  readonly number: number;
  readonly protocol: string;
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  /** `<runtime>://<id>`; "" before it runs. */
  readonly id: string;
  readonly isInit: boolean;
  readonly ports: readonly ContainerPort[];
}

/** A pod. */
export interface Pod extends StoredObject {
  /** "" before it has one. */
  readonly ip: string;
  readonly hostIp: string;
  readonly phase: string;
  /** `true`, `false` or `unknown`. */
  readonly ready: string;
  readonly nodeName: string;
  /** Ordinary ones, then those that only prepare. */
  readonly containers: readonly Container[];
}

/** Reads a pod. Throws a `ShapeError`. */
export function readPod(object: JsonObject): Pod {
  const spec = objectOf(object["spec"], "pod spec");
  const status = objectOf(object["status"], "pod status");
  let ready = "unknown";
  for (const condition of objectsOf(status["conditions"], "pod conditions")) {
    if (textOf(condition["type"], "condition type") !== "Ready") continue;
    ready = textOf(condition["status"], "condition status").toLowerCase();
    break;
  }
  return {
    meta: metaOf(object),
    ip: textOf(status["podIP"], "podIP"),
    hostIp: textOf(status["hostIP"], "hostIP"),
    phase: textOf(status["phase"], "phase"),
    ready,
    nodeName: textOf(spec["nodeName"], "nodeName"),
    containers: [
      ...containersOf(spec["containers"], status["containerStatuses"], false),
      ...containersOf(spec["initContainers"], status["initContainerStatuses"], true),
    ],
  };
}

function containersOf(containers: unknown, statuses: unknown, isInit: boolean): Container[] {
  const ids = new Map<string, string>();
  for (const status of objectsOf(statuses, "container statuses")) {
    const name = textOf(status["name"], "container name");
    if (!ids.has(name)) ids.set(name, textOf(status["containerID"], "containerID"));
  }
  return objectsOf(containers, "containers").map((container) => {
    const name = textOf(container["name"], "container name");
    return {
      name,
      image: textOf(container["image"], "container image"),
      id: ids.get(name) ?? "",
      isInit,
      ports: objectsOf(container["ports"], "container ports").map((port) => ({
        name: textOf(port["name"], "port name"),
        number: integerOf(port["containerPort"], "containerPort"),
        protocol: textOf(port["protocol"], "port protocol"),
      })),
    };
  });
}
