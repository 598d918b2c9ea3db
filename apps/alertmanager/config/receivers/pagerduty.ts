// `pagerduty_configs`.
import { type ConfigUrl, type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { goTime, httpUrl } from "../codecs.ts";
import { kept, keysOf, preset } from "../keys.ts";
import {
  commonKeys,
  type HttpNotifierConfig,
  inheritHttp,
  named,
  type ReceiverKind,
  refuseBoth,
  type Writable,
} from "./common.ts";

const { anything, filePath, list, map, secret, text } = yamlCodec;

export interface PagerdutyImage {
  readonly src: string;
  readonly alt: string;
  readonly href: string;
}

export interface PagerdutyLink {
  readonly href: string;
  readonly text: string;
}

export interface PagerdutyConfig extends HttpNotifierConfig {
  /** Of the older interface. */
  readonly serviceKey: Secret;
  readonly serviceKeyFile: string;
  readonly routingKey: Secret;
  readonly routingKeyFile: string;
  readonly url: ConfigUrl | undefined;
  readonly client: string;
  readonly clientUrl: string;
  readonly description: string;
  /** Trees whose texts are templates. */
  readonly details: ReadonlyMap<string, unknown>;
  readonly images: readonly PagerdutyImage[];
  readonly links: readonly PagerdutyLink[];
  readonly source: string;
  readonly severity: string;
  readonly class: string;
  readonly component: string;
  readonly group: string;
  /** Milliseconds; 0 for none. */
  readonly timeout: number;
}

const DEFAULT_DETAILS: readonly (readonly [string, string])[] = [
  ["firing", "{{ .Alerts.Firing | toJson }}"],
  ["resolved", "{{ .Alerts.Resolved | toJson }}"],
  ["num_firing", "{{ .Alerts.Firing | len }}"],
  ["num_resolved", "{{ .Alerts.Resolved | len }}"],
];

const image = struct<PagerdutyImage>(
  "pagerduty.PagerdutyImage",
  keysOf<PagerdutyImage>({ src: text, alt: text, href: text }),
);
const link = struct<PagerdutyLink>("pagerduty.PagerdutyLink", keysOf<PagerdutyLink>({ href: text, text }));

export const pagerduty: ReceiverKind<PagerdutyConfig> = {
  name: "pagerduty",
  nullItem: "missing pagerduty config",
  codec: struct<PagerdutyConfig>(
    "pagerduty.plain",
    keysOf<PagerdutyConfig>({
      ...commonKeys(true),
      service_key: secret,
      service_key_file: filePath(),
      routing_key: secret,
      routing_key_file: filePath(),
      url: httpUrl,
      client: preset(text, named("pagerduty.default.client")),
      client_url: preset(text, named("pagerduty.default.clientURL")),
      description: preset(text, '{{ template "pagerduty.default.description" .}}'),
      details: map(anything, { type: "map[string]interface {}" }),
      images: list(image),
      links: list(link),
      source: text,
      severity: text,
      class: text,
      component: text,
      group: text,
      timeout: kept(goTime),
    }),
    { check: checkPagerduty },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.url ??= global.pagerdutyUrl;
    if (config.url === undefined) reader.invalid(reader.place(config), "no global PagerDuty URL set");
  },
};

function checkPagerduty(config: Writable<PagerdutyConfig>, reader: YamlReader): void {
  const hasRoutingKey = !config.routingKey.isEmpty;
  const hasServiceKey = !config.serviceKey.isEmpty;
  const hasRoutingFile = config.routingKeyFile !== "";
  const hasServiceFile = config.serviceKeyFile !== "";
  if (!hasRoutingKey && !hasServiceKey && !hasRoutingFile && !hasServiceFile)
    reader.invalid(reader.place(config), "missing service or routing key in PagerDuty config");
  refuseBoth(config, reader, ["routing_key", hasRoutingKey], ["routing_key_file", hasRoutingFile]);
  refuseBoth(config, reader, ["service_key", hasServiceKey], ["service_key_file", hasServiceFile]);
  config.source ||= config.client;
  config.details = new Map([...DEFAULT_DETAILS, ...config.details]);
}
