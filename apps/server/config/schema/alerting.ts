// The keys of `alerting`.
import {
  type Codec,
  completeHttpClient,
  field,
  httpClientShape,
  struct,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import type { NameValidationScheme } from "../../relabel/index.ts";
import type { AlertingConfig, AlertmanagerConfig } from "../types.ts";
import {
  checkStaticTargets,
  type DiscoveryLists,
  discoveryShape,
  gatherDiscovery,
  spreadDiscovery,
} from "./discovery.ts";
import { completeRelabeling, relabelRules } from "./relabel.ts";
import { sigv4 } from "./remote.ts";

const { checkedText, duration, list, optional, text } = yamlCodec;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const apiVersion: Codec<"v2"> = checkedText("string", (version) =>
  version === "v2" ? undefined : `expected Alertmanager api version to be one of [v2] but got ${version}`,
);

type ManagerDraft = Writable<AlertmanagerConfig>;

const alertmanager: Codec<ManagerDraft> = struct<ManagerDraft>(
  "config.AlertmanagerConfig",
  [
    { name: "http", inline: httpClientShape },
    field<ManagerDraft>("sigv4", "sigv4", optional(sigv4)),
    field<ManagerDraft>("scheme", "scheme", text, { initial: () => "http" }),
    field<ManagerDraft>("path_prefix", "pathPrefix", text),
    field<ManagerDraft>("timeout", "timeoutMs", duration, { initial: () => 10_000 }),
    field<ManagerDraft>("api_version", "apiVersion", apiVersion, { initial: () => "v2", keep: true }),
    field<ManagerDraft>(
      "relabel_configs",
      "relabelConfigs",
      relabelRules("empty or null Alertmanager target relabeling rule"),
    ),
    field<ManagerDraft>(
      "alert_relabel_configs",
      "alertRelabelConfigs",
      relabelRules("empty or null Alertmanager alert relabeling rule"),
    ),
    {
      name: "discovery",
      inline: discoveryShape,
      unpack: (value) => spreadDiscovery(value as AlertmanagerConfig["discovery"]),
    },
  ],
  {
    check(draft, reader) {
      draft.discovery = gatherDiscovery(draft.discovery as unknown as DiscoveryLists, reader);
      completeHttpClient(draft.http, reader);
      const { basicAuth, authorization, oauth2 } = draft.http;
      if (draft.sigv4 !== undefined && (basicAuth ?? authorization ?? oauth2) !== undefined) {
        reader.invalid(
          reader.place(draft, "sigv4"),
          "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured",
        );
      }
      if (draft.relabelConfigs.length === 0) checkStaticTargets(draft.discovery, reader);
    },
  },
);

/** `alerting`. Complete only after `completeAlerting`. */
export const alertingConfig: Codec<AlertingConfig> = struct<AlertingConfig>("config.plain", [
  field<AlertingConfig>(
    "alert_relabel_configs",
    "alertRelabelConfigs",
    relabelRules("empty or null alert relabeling rule"),
  ),
  field<AlertingConfig>(
    "alertmanagers",
    "alertmanagers",
    list(alertmanager, { type: "config.AlertmanagerConfigs", nullItem: "empty or null Alertmanager config section" }),
  ),
]);

/** Checks the relabeling rules under the scheme that says which names are legal. */
export function completeAlerting(alerting: AlertingConfig, scheme: NameValidationScheme, reader: YamlReader): void {
  completeRelabeling(alerting.alertRelabelConfigs, scheme, reader);
  for (const manager of alerting.alertmanagers) {
    completeRelabeling(manager.alertRelabelConfigs, scheme, reader);
    completeRelabeling(manager.relabelConfigs, scheme, reader);
  }
}
