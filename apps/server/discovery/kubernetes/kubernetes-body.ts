// What `kubernetes_sd_configs` says.
import type { ConfigUrl } from "@narthex/toolkit";
import type { HttpClientConfig } from "../../config/types.ts";

/** The kinds of objects that targets are made of. */
export type KubernetesRole = "node" | "pod" | "service" | "endpoints" | "endpointslice" | "ingress";

/** Restricts the objects of one role, in the API's own syntax; "" for no restriction. */
export interface KubernetesSelector {
  readonly role: KubernetesRole;
  readonly label: string;
  readonly field: string;
}

/** Whose labels targets get beside those of their own objects. */
export interface AttachedMetadata {
  readonly node: boolean;
  readonly namespace: boolean;
  readonly deployment: boolean;
  readonly job: boolean;
  readonly cronjob: boolean;
}

/** One role of one cluster. */
export interface KubernetesDiscoveryBody {
  /** Undefined: a kubeconfig file, or the cluster this process runs in. */
  readonly apiServer: ConfigUrl | undefined;
  readonly role: KubernetesRole;
  /** "" for none. */
  readonly kubeconfigFile: string;
  readonly http: HttpClientConfig;
  readonly namespaces: { readonly ownNamespace: boolean; readonly names: readonly string[] };
  readonly selectors: readonly KubernetesSelector[];
  readonly attachMetadata: AttachedMetadata;
}
