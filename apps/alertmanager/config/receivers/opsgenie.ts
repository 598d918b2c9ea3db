// `opsgenie_configs`.
import { ConfigUrl, type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { httpUrl, templateProblem } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind, refuseBoth } from "./common.ts";

const { bool, filePath, list, map, secret, text } = yamlCodec;

export interface OpsgenieResponder {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly type: string;
}

export interface OpsgenieConfig extends HttpNotifierConfig {
  readonly apiKey: Secret;
  readonly apiKeyFile: string;
  readonly apiUrl: ConfigUrl | undefined;
  readonly message: string;
  readonly description: string;
  readonly source: string;
  readonly details: ReadonlyMap<string, string>;
  readonly entity: string;
  readonly responders: readonly OpsgenieResponder[];
  /** Comma-separated, as are tags. */
  readonly actions: string;
  readonly tags: string;
  readonly note: string;
  readonly priority: string;
  readonly updateAlerts: boolean;
}

const TYPES = "^(team|teams|user|escalation|schedule)$";

const responder = struct<OpsgenieResponder>(
  "opsgenie.OpsGenieConfigResponder",
  keysOf<OpsgenieResponder>({ id: text, name: text, username: text, type: text }),
  { check: checkResponder },
);

function checkResponder(value: OpsgenieResponder, reader: YamlReader): void {
  const { id, name, username, type } = value;
  const shown = `opsGenieConfig responder {${id} ${name} ${username} ${type}}`;
  const invalid = (message: string): void => reader.invalid(reader.place(value), `${shown} ${message}`);
  if (id === "" && username === "" && name === "")
    invalid("has to have at least one of id, username or name specified");
  const problem = templateProblem(type);
  if (problem !== undefined) invalid(`type contains invalid template syntax: ${problem}`);
  else if (!type.includes("{{") && !new RegExp(TYPES).test(type.toLowerCase()))
    invalid(`type does not match valid options ${TYPES}`);
}

export const opsgenie: ReceiverKind<OpsgenieConfig> = {
  name: "opsgenie",
  codec: struct<OpsgenieConfig>(
    "opsgenie.plain",
    keysOf<OpsgenieConfig>({
      ...commonKeys(true),
      api_key: secret,
      api_key_file: filePath(),
      api_url: httpUrl,
      message: preset(text, named("opsgenie.default.message")),
      description: preset(text, named("opsgenie.default.description")),
      source: preset(text, named("opsgenie.default.source")),
      details: map(text, { type: "map[string]string" }),
      entity: text,
      responders: list(responder),
      actions: text,
      tags: text,
      note: text,
      priority: text,
      update_alerts: bool,
    }),
    {
      check: (config, reader) =>
        void refuseBoth(
          config,
          reader,
          ["api_key", !config.apiKey.isEmpty],
          ["api_key_file", config.apiKeyFile !== ""],
        ),
    },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.apiUrl = withSlash(config.apiUrl ?? global.opsgenieApiUrl);
    if (config.apiUrl === undefined) reader.invalid(reader.place(config), "no global OpsGenie URL set");
    if (config.apiKey.isEmpty) config.apiKey = global.opsgenieApiKey;
    config.apiKeyFile ||= global.opsgenieApiKeyFile;
    if (config.apiKey.isEmpty && config.apiKeyFile === "")
      reader.invalid(reader.place(config), "no global OpsGenie API Key set either inline or in a file");
  },
};

/** An address whose path ends with a slash, so that more can be put behind it. */
export function withSlash(address: ConfigUrl | undefined): ConfigUrl | undefined {
  if (address === undefined) return undefined;
  const [, path = "", rest = ""] = /^([^?#]*)(.*)$/s.exec(address.reveal()) ?? [];
  return path.endsWith("/") ? address : new ConfigUrl(`${path}/${rest}`);
}
