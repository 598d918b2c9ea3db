// What is known of a cluster, for whoever makes targets of its objects.
import type { AttachedMetadata } from "./kubernetes-body.ts";
import { addLabelsAndAnnotations, addMeta, type StoredObject } from "./object-meta.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Pod } from "./pod.ts";
import type { Service } from "./service.ts";

/** The stores that a role looks into beside its own; undefined for those that it does not watch. */
export interface ClusterView {
  readonly pods?: ObjectStore<Pod> | undefined;
  readonly services?: ObjectStore<Service> | undefined;
  readonly nodes?: ObjectStore<StoredObject> | undefined;
  readonly namespaces?: ObjectStore<StoredObject> | undefined;
  readonly replicaSets?: ObjectStore<StoredObject> | undefined;
  readonly jobs?: ObjectStore<StoredObject> | undefined;
  readonly attach: AttachedMetadata;
}

/** Adds what a namespace says of itself, if that is wanted and known. */
export function addNamespaceLabels(labels: Map<string, string>, namespace: string, view: ClusterView): void {
  const found = view.namespaces?.get(namespace);
  if (found !== undefined) addLabelsAndAnnotations(labels, found.meta, "namespace");
}

/** Adds what a node says of itself, if that is wanted and known. */
export function addNodeLabels(labels: Map<string, string>, node: string | undefined, view: ClusterView): void {
  const found = node === undefined ? undefined : view.nodes?.get(node);
  if (found !== undefined) addMeta(labels, found.meta, "node");
}
