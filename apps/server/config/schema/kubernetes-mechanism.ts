// The keys of `kubernetes_sd_configs`.
import { type Codec, completeHttpClient, isDefaultHttpClient, quote, struct, yamlCodec } from "@narthex/toolkit";
import type { HttpClientConfig } from "../types.ts";
import { fieldSelectorProblem, labelSelectorProblem } from "./kubernetes-selector.ts";
import { type DiscoveryBody, http, kept, key, mechanism, oneOf } from "./mechanism.ts";

const { bool, filePath, list, text, url } = yamlCodec;

const KUBERNETES_ROLES = ["node", "pod", "service", "endpoints", "endpointslice", "ingress"];

const KUBERNETES_SELECTORS: Readonly<Record<string, readonly string[]>> = {
  pod: ["pod", "node"],
  service: ["service"],
  endpointslice: ["pod", "service", "endpointslice"],
  endpoints: ["pod", "service", "endpoints"],
  node: ["node"],
  ingress: ["ingress"],
};

/** Reads a body of it. */
export function kubernetesMechanism(): Codec<DiscoveryBody> {
  const role = oneOf(KUBERNETES_ROLES, (name) => `unknown Kubernetes SD role ${quote(name)}`);
  const selector = struct<Record<string, unknown>>("kubernetes.SelectorConfig", [
    key("role", role),
    key("label", text),
    key("field", text),
  ]);
  const namespaces = struct<Record<string, unknown>>("kubernetes.plain", [
    kept("own_namespace", bool),
    kept("names", list(text)),
  ]);
  const attach = struct<Record<string, unknown>>(
    "kubernetes.AttachMetadataConfig",
    ["node", "namespace", "deployment", "job", "cronjob"].map((name) => kept(name, bool)),
  );
  return mechanism(
    "kubernetes.plain",
    [
      key("api_server", url),
      kept("role", role),
      kept("kubeconfig_file", filePath()),
      http,
      key("namespaces", namespaces),
      key("selectors", list(selector)),
      key("attach_metadata", attach),
    ],
    (body, reader) => {
      const before = reader.problemCount;
      if (body["role"] === "") {
        return ["role missing (one of: pod, service, endpoints, endpointslice, node, ingress)", "role"];
      }
      completeHttpClient(body.http as HttpClientConfig, reader);
      if (reader.problemCount > before) return undefined;
      const hasServer = body["apiServer"] !== undefined;
      const hasFile = body["kubeconfigFile"] !== "";
      const isCustom = !isDefaultHttpClient(body.http as HttpClientConfig);
      const own = (body["namespaces"] as Record<string, unknown>)["ownNamespace"] === true;
      if (hasServer && hasFile)
        return ["cannot use 'kubeconfig_file' and 'api_server' simultaneously", "kubeconfig_file"];
      if (hasFile && isCustom) {
        return ["cannot use a custom HTTP client configuration together with 'kubeconfig_file'", "kubeconfig_file"];
      }
      if (!hasServer && isCustom) {
        return ["to use custom HTTP client configuration please provide the 'api_server' URL explicitly"];
      }
      if (hasServer && own)
        return ["cannot use 'api_server' and 'namespaces.own_namespace' simultaneously", "namespaces"];
      if (hasFile && own)
        return ["cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously", "namespaces"];
      const allowed = KUBERNETES_SELECTORS[body["role"] as string] as readonly string[];
      const seen = new Set<unknown>();
      for (const each of body["selectors"] as Record<string, unknown>[]) {
        const wanted = each["role"] as string;
        if (seen.has(wanted)) reader.invalid(reader.place(each, "role"), `duplicated selector role: ${wanted}`);
        else if (!allowed.includes(wanted)) {
          reader.invalid(
            reader.place(each, "role"),
            `${body["role"]} role supports only ${allowed.join(", ")} selectors`,
          );
        }
        seen.add(wanted);
        const fieldProblem = fieldSelectorProblem(each["field"] as string);
        if (fieldProblem !== undefined) reader.invalid(reader.place(each, "field"), fieldProblem);
        const labelProblem = labelSelectorProblem(each["label"] as string);
        if (labelProblem !== undefined) reader.invalid(reader.place(each, "label"), labelProblem);
      }
      return undefined;
    },
  );
}
