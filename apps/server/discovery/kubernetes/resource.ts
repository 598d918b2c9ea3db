// The kinds of objects that are watched: where the API has them, and how they are read.
import type { JsonObject } from "@narthex/toolkit";
import { type EndpointSlice, readEndpointSlice } from "./endpoint-slice.ts";
import { type Endpoints, readEndpoints } from "./endpoints.ts";
import { type Ingress, readIngress } from "./ingress.ts";
import { type Node, readNode } from "./node.ts";
import { metaOf, type StoredObject } from "./object-meta.ts";
import { type Pod, readPod } from "./pod.ts";
import { readService, type Service } from "./service.ts";

/** One kind of objects. */
export interface Resource<T extends StoredObject> {
  /** The reference's name of the type, as logs show it. */
  readonly type: string;
  /** Path of the group and version. */
  readonly group: string;
  readonly plural: string;
  readonly read: (object: JsonObject) => T;
}

const readMeta = (object: JsonObject): StoredObject => ({ meta: metaOf(object) });

export const PODS: Resource<Pod> = { type: "*v1.Pod", group: "api/v1", plural: "pods", read: readPod };
export const SERVICES: Resource<Service> = {
  type: "*v1.Service",
  group: "api/v1",
  plural: "services",
  read: readService,
};
export const NODES: Resource<Node> = { type: "*v1.Node", group: "api/v1", plural: "nodes", read: readNode };
/** Of nodes that are attached to others: their states, which change often, are of no interest there. */
export const NODE_METADATA: Resource<StoredObject> = {
  type: "*v1.Node",
  group: "api/v1",
  plural: "nodes",
  read: readMeta,
};
export const NAMESPACES: Resource<StoredObject> = {
  type: "*v1.Namespace",
  group: "api/v1",
  plural: "namespaces",
  read: readMeta,
};
export const ENDPOINTS: Resource<Endpoints> = {
  type: "*v1.Endpoints",
  group: "api/v1",
  plural: "endpoints",
  read: readEndpoints,
};
export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  type: "*v1.EndpointSlice",
  group: "apis/discovery.k8s.io/v1",
  plural: "endpointslices",
  read: readEndpointSlice,
};
export const INGRESSES: Resource<Ingress> = {
  type: "*v1.Ingress",
  group: "apis/networking.k8s.io/v1",
  plural: "ingresses",
  read: readIngress,
};
export const REPLICA_SETS: Resource<StoredObject> = {
  type: "*v1.ReplicaSet",
  group: "apis/apps/v1",
  plural: "replicasets",
  read: readMeta,
};
export const JOBS: Resource<StoredObject> = {
  type: "*v1.Job",
  group: "apis/batch/v1",
  plural: "jobs",
  read: readMeta,
};
