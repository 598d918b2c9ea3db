// Ingresses, reduced to what targets show of them. Source: Kubernetes API, networking.k8s.io/v1 `Ingress`.
import {
  type JsonObject,
  objectOf,
  objectsOf,
  optionalObjectOf,
  optionalTextOf,
  textOf,
  textsOf,
} from "@narthex/toolkit";
import type { TargetGroup } from "../target-group.ts";
import { addNamespaceLabels, type ClusterView } from "./cluster-view.ts";
import { addMeta, keyOf, metaOf, PREFIX, type StoredObject } from "./object-meta.ts";

/** An ingress. */
export interface Ingress extends StoredObject {
  readonly className: string | undefined;
  readonly tlsHosts: readonly string[];
  readonly rules: readonly { readonly host: string; readonly paths: readonly string[] }[];
}

/** Reads an ingress. Throws a `ShapeError`. */
export function readIngress(object: JsonObject): Ingress {
  const spec = objectOf(object["spec"], "ingress spec");
  return {
    meta: metaOf(object),
    className: optionalTextOf(spec["ingressClassName"], "ingressClassName"),
    tlsHosts: objectsOf(spec["tls"], "ingress tls").flatMap((tls) => textsOf(tls["hosts"], "tls hosts")),
    rules: objectsOf(spec["rules"], "ingress rules").map((rule) => {
      const http = optionalObjectOf(rule["http"], "ingress http");
      const paths =
        http === undefined
          ? ["/"]
          : objectsOf(http["paths"], "ingress paths").map((path) => textOf(path["path"], "path") || "/");
      return { host: textOf(rule["host"], "ingress host"), paths };
    }),
  };
}

/** A target for each path of each rule. */
export function ingressGroup(ingress: Ingress, view: ClusterView): TargetGroup {
  const { meta, className, tlsHosts, rules } = ingress;
  const labels = new Map([[`${PREFIX}namespace`, meta.namespace]]);
  if (className !== undefined) labels.set(`${PREFIX}ingress_class_name`, className);
  addMeta(labels, meta, "ingress");
  addNamespaceLabels(labels, meta.namespace, view);
  const targets = rules.flatMap(({ host, paths }) => {
    const scheme = tlsHosts.some((pattern) => matchesHost(pattern, host)) ? "https" : "http";
    return paths.map(
      (path) =>
        new Map([
          ["__address__", host],
          [`${PREFIX}ingress_scheme`, scheme],
          [`${PREFIX}ingress_host`, host],
          [`${PREFIX}ingress_path`, path],
        ]),
    );
  });
  return { source: `ingress/${keyOf(meta)}`, labels, targets };
}

/** Whether a host is the one of a pattern, whose first part may be `*`. */
export function matchesHost(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  const wanted = pattern.split(".");
  const parts = host.split(".");
  return wanted[0] === "*" && wanted.length === parts.length && wanted.slice(1).join(".") === parts.slice(1).join(".");
}
