// What all objects of the API have in common. Source: Kubernetes API, `ObjectMeta`, `OwnerReference`.
import { flagOf, type JsonObject, objectOf, objectsOf, textOf, textPairsOf } from "@narthex/toolkit";
import { sanitizeLabelName } from "../meta-label.ts";

/** Prefix of all labels of this mechanism. */
export const PREFIX = "__meta_kubernetes_";

/** The part of an object's metadata that targets show. */
export interface ObjectMeta {
  /** "" for objects outside all namespaces. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Keys and values in turn: half the memory of pairs. */
  readonly labels: readonly string[];
  /** Keys and values in turn. */
  readonly annotations: readonly string[];
  /** Who made and looks after it; "" for nobody. */
  readonly ownerKind: string;
  readonly ownerName: string;
}

/** An object as it is kept. */
export interface StoredObject {
  readonly meta: ObjectMeta;
}

/** Reads `metadata`. Throws a `ShapeError`. */
export function metaOf(object: JsonObject): ObjectMeta {
  const meta = objectOf(object["metadata"], "metadata");
  const name = textOf(meta["name"], "metadata.name");
  let ownerKind = "";
  let ownerName = "";
  for (const owner of objectsOf(meta["ownerReferences"], "ownerReferences")) {
    if (!flagOf(owner["controller"], "controller")) continue;
    ownerKind = textOf(owner["kind"], "owner kind");
    ownerName = textOf(owner["name"], "owner name");
    break;
  }
  return {
    namespace: textOf(meta["namespace"], "metadata.namespace"),
    name,
    uid: textOf(meta["uid"], "metadata.uid"),
    labels: textPairsOf(meta["labels"], "metadata.labels").flat(),
    annotations: textPairsOf(meta["annotations"], "metadata.annotations").flat(),
    ownerKind,
    ownerName,
  };
}

/** `namespace/name`, or only the name outside all namespaces: what objects are kept and found by. */
export function keyOf({ namespace, name }: Pick<ObjectMeta, "namespace" | "name">): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

/** The value of a label, undefined when the object does not have it. */
export function labelOf(meta: ObjectMeta, key: string): string | undefined {
  for (let i = 0; i < meta.labels.length; i += 2) if (meta.labels[i] === key) return meta.labels[i + 1];
  return undefined;
}

/** Adds name, labels and annotations of an object of a role. */
export function addMeta(labels: Map<string, string>, meta: ObjectMeta, role: string): void {
  labels.set(`${PREFIX}${role}_name`, meta.name);
  addLabelsAndAnnotations(labels, meta, role);
}

/** Adds labels and annotations; each also says with a label of its own that it is there. */
export function addLabelsAndAnnotations(labels: Map<string, string>, meta: ObjectMeta, role: string): void {
  addPairs(labels, meta.labels, `${role}_label`);
  addPairs(labels, meta.annotations, `${role}_annotation`);
}

function addPairs(labels: Map<string, string>, pairs: readonly string[], kind: string): void {
  for (let i = 0; i < pairs.length; i += 2) {
    const [name, present] = namesOf(kind, pairs[i] as string);
    labels.set(name, pairs[i + 1] as string);
    labels.set(present, "true");
  }
}

/** Objects by the thousand have the same keys: their label names are made once. */
const MAX_NAMES = 20_000;
const namesByKind = new Map<string, Map<string, readonly [name: string, present: string]>>();

function namesOf(kind: string, key: string): readonly [name: string, present: string] {
  let names = namesByKind.get(kind);
  if (names === undefined) namesByKind.set(kind, (names = new Map()));
  let known = names.get(key);
  if (known === undefined) {
    const clean = sanitizeLabelName(key);
    known = [`${PREFIX}${kind}_${clean}`, `${PREFIX}${kind}present_${clean}`];
    if (names.size === MAX_NAMES) names.clear();
    names.set(key, known);
  }
  return known;
}
