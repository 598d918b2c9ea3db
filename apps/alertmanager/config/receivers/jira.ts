// `jira_configs`.
import { type Codec, type ConfigUrl, struct, yamlCodec } from "@narthex/toolkit";
import { httpUrl } from "../codecs.ts";
import { keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind } from "./common.ts";

const { anything, bool, duration, list, map, optional, text } = yamlCodec;

/** A field of the issue, and whether later notifications may change it. */
export interface JiraField {
  readonly template: string;
  readonly enableUpdate: boolean | undefined;
}

export interface JiraConfig extends HttpNotifierConfig {
  readonly apiUrl: ConfigUrl | undefined;
  readonly apiType: string;
  readonly project: string;
  readonly summary: JiraField;
  readonly description: JiraField;
  readonly labels: readonly string[];
  readonly priority: string;
  readonly issueType: string;
  readonly reopenTransition: string;
  readonly resolveTransition: string;
  readonly wontFixResolution: string;
  /** Milliseconds. */
  readonly reopenDuration: number;
  /** Trees whose texts are templates. */
  readonly fields: ReadonlyMap<string, unknown>;
}

function jiraField(initial: string): Codec<JiraField> {
  const whole = struct<JiraField>(
    "jira.plain",
    keysOf<JiraField>({ template: preset(text, initial), enable_update: optional(bool) }),
  );
  return {
    ...whole,
    // A text alone is the template.
    decode: (node, reader) =>
      node.kind === "scalar" ? { template: node.text, enableUpdate: undefined } : whole.decode(node, reader),
  };
}

export const jira: ReceiverKind<JiraConfig> = {
  name: "jira",
  nullItem: "missing jira config",
  codec: struct<JiraConfig>(
    "jira.plain",
    keysOf<JiraConfig>({
      ...commonKeys(true),
      api_url: httpUrl,
      api_type: preset(text, "auto"),
      project: text,
      summary: fieldKey("jira.default.summary"),
      description: fieldKey("jira.default.description"),
      labels: list(text),
      priority: preset(text, named("jira.default.priority")),
      issue_type: text,
      reopen_transition: text,
      resolve_transition: text,
      wont_fix_resolution: text,
      reopen_duration: duration,
      fields: map(anything, { type: "map[string]interface {}" }),
    }),
    {
      check(config, reader) {
        const invalid = (message: string): void => reader.invalid(reader.place(config), message);
        if (config.project === "") invalid("missing project in jira_config");
        else if (config.issueType === "") invalid("missing issue_type in jira_config");
        else if (!["auto", "cloud", "datacenter"].includes(config.apiType))
          invalid("unknown api_type on jira_config, must be auto, cloud or datacenter");
      },
    },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.apiUrl ??= global.jiraApiUrl;
    if (config.apiUrl === undefined) reader.invalid(reader.place(config), "no global Jira Cloud URL set");
  },
};

function fieldKey(template: string): { readonly codec: Codec<JiraField>; readonly initial: JiraField } {
  const initial = named(template);
  return preset(jiraField(initial), { template: initial, enableUpdate: undefined }) as never;
}
