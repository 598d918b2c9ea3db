// How the API of a cluster is reached: by an address, by a kubeconfig file, or from within the cluster.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EMPTY_SECRET, PLAIN_HTTP } from "@narthex/toolkit";
import type { HttpClientConfig } from "../../config/types.ts";
import { joinHostPort } from "../meta-label.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import type { KubernetesDiscoveryBody } from "./kubernetes-body.ts";

const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The way to an API server. */
export interface ClusterAccess {
  /** Without a slash at the end. */
  readonly base: string;
  readonly http: HttpClientConfig;
  /** Of the pod this process runs in; "" when that was not asked for. */
  readonly ownNamespace: string;
}

/** Where a process in a cluster finds what it needs. */
export interface ClusterSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly serviceAccountFolder: string;
}

/** This process's own. */
export const OWN_SURROUNDINGS: ClusterSurroundings = {
  environment: process.env,
  serviceAccountFolder: SERVICE_ACCOUNT_FOLDER,
};

/** Finds the way that a configuration means. Throws when there is none. */
export function clusterAccess(
  body: KubernetesDiscoveryBody,
  surroundings: ClusterSurroundings = OWN_SURROUNDINGS,
): ClusterAccess {
  if (body.kubeconfigFile !== "") return readKubeconfig(body.kubeconfigFile);
  if (body.apiServer !== undefined) {
    return { base: body.apiServer.reveal().replace(/\/+$/, ""), http: body.http, ownNamespace: "" };
  }
  const { environment, serviceAccountFolder } = surroundings;
  const host = environment["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = environment["KUBERNETES_SERVICE_PORT"] ?? "";
  if (host === "" || port === "") {
    throw new Error(
      "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined",
    );
  }
  const credentialsFile = join(serviceAccountFolder, "token");
  readFileSync(credentialsFile);
  return {
    base: `https://${joinHostPort(host, port)}`,
    // Both files are exchanged from time to time, and read again then.
    http: {
      ...PLAIN_HTTP,
      authorization: { type: "Bearer", credentials: EMPTY_SECRET, credentialsFile },
      tls: { ...PLAIN_HTTP.tls, caFile: join(serviceAccountFolder, "ca.crt") },
    },
    ownNamespace: body.namespaces.ownNamespace ? ownNamespace(serviceAccountFolder) : "",
  };
}

function ownNamespace(folder: string): string {
  let text: string;
  try {
    text = readFileSync(join(folder, "namespace"), "utf8").trim();
  } catch (error) {
    throw new Error(`could not determine the pod's namespace: ${(error as Error).message}`, { cause: error });
  }
  if (text === "") throw new Error("could not read own namespace name (empty file)");
  return text;
}
