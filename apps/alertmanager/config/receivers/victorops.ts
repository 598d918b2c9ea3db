// `victorops_configs`.
import { type ConfigUrl, type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { httpUrl } from "../codecs.ts";
import { kept, keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind, refuseBoth } from "./common.ts";
import { withSlash } from "./opsgenie.ts";

const { filePath, map, secret, text } = yamlCodec;

export interface VictoropsConfig extends HttpNotifierConfig {
  readonly apiKey: Secret;
  readonly apiKeyFile: string;
  readonly apiUrl: ConfigUrl | undefined;
  readonly routingKey: string;
  readonly messageType: string;
  readonly stateMessage: string;
  readonly entityDisplayName: string;
  readonly monitoringTool: string;
  readonly customFields: ReadonlyMap<string, string>;
}

/** Names that the message itself needs. */
const RESERVED = [
  "routing_key",
  "message_type",
  "state_message",
  "entity_display_name",
  "monitoring_tool",
  "entity_id",
  "entity_state",
];

export const victorops: ReceiverKind<VictoropsConfig> = {
  name: "victorops",
  nullItem: "missing victorops config",
  codec: struct<VictoropsConfig>(
    "config.plain",
    keysOf<VictoropsConfig>({
      ...commonKeys(true),
      api_key: secret,
      api_key_file: filePath(),
      api_url: kept(httpUrl),
      routing_key: kept(text),
      message_type: preset(text, "CRITICAL", true),
      state_message: preset(text, named("victorops.default.state_message"), true),
      entity_display_name: preset(text, named("victorops.default.entity_display_name"), true),
      monitoring_tool: preset(text, named("victorops.default.monitoring_tool"), true),
      custom_fields: map(text, { type: "map[string]string" }),
    }),
    { check: checkVictorops },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.apiUrl = withSlash(config.apiUrl ?? global.victoropsApiUrl);
    if (config.apiUrl === undefined) reader.invalid(reader.place(config), "no global VictorOps URL set");
    if (config.apiKey.isEmpty) config.apiKey = global.victoropsApiKey;
    config.apiKeyFile ||= global.victoropsApiKeyFile;
    if (config.apiKey.isEmpty && config.apiKeyFile === "")
      reader.invalid(reader.place(config), "no global VictorOps API Key set");
  },
};

function checkVictorops(config: VictoropsConfig, reader: YamlReader): void {
  if (config.routingKey === "") reader.invalid(reader.place(config), "missing Routing key in VictorOps config");
  refuseBoth(config, reader, ["api_key", !config.apiKey.isEmpty], ["api_key_file", config.apiKeyFile !== ""]);
  const taken = RESERVED.find((name) => config.customFields.has(name));
  if (taken === undefined) return;
  const message = `victorOps config contains custom field ${taken} which cannot be used as it conflicts with the fixed/static fields`;
  reader.invalid(reader.place(config, "custom_fields"), message);
}
