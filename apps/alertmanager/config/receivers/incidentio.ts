// `incidentio_configs`.
import { type ConfigUrl, type Secret, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import { goTime, httpUrl } from "../codecs.ts";
import { kept, keysOf } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, type ReceiverKind, refuseBoth } from "./common.ts";

const { filePath, secret, uint } = yamlCodec;

export interface IncidentioConfig extends HttpNotifierConfig {
  readonly url: ConfigUrl | undefined;
  readonly urlFile: string;
  readonly alertSourceToken: Secret;
  readonly alertSourceTokenFile: string;
  /** 0 for all. */
  readonly maxAlerts: number;
  /** Milliseconds; 0 for none. */
  readonly timeout: number;
}

export const incidentio: ReceiverKind<IncidentioConfig> = {
  name: "incidentio",
  nullItem: "missing incidentio config",
  codec: struct<IncidentioConfig>(
    "incidentio.plain",
    keysOf<IncidentioConfig>({
      ...commonKeys(true),
      url: kept(httpUrl),
      url_file: kept(filePath()),
      alert_source_token: secret,
      alert_source_token_file: filePath(),
      max_alerts: kept(uint),
      timeout: kept(goTime),
    }),
    { check: checkIncidentio },
  ),
  inherit: inheritHttp,
};

function checkIncidentio(config: IncidentioConfig, reader: YamlReader): void {
  const invalid = (message: string): void => reader.invalid(reader.place(config), message);
  const { url, urlFile, alertSourceToken, alertSourceTokenFile, httpConfig } = config;
  const hasToken = !alertSourceToken.isEmpty || alertSourceTokenFile !== "";
  const hasAuthorization = httpConfig?.authorization !== undefined;
  if (url === undefined && urlFile === "") invalid("one of url or url_file must be configured");
  refuseBoth(config, reader, ["url", url !== undefined], ["url_file", urlFile !== ""]);
  refuseBoth(
    config,
    reader,
    ["alert_source_token", !alertSourceToken.isEmpty],
    ["alert_source_token_file", alertSourceTokenFile !== ""],
  );
  if (hasAuthorization && hasToken)
    invalid("cannot specify alert_source_token or alert_source_token_file when using http_config.authorization");
  if (httpConfig !== undefined && !hasAuthorization && !hasToken)
    invalid(
      "at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured",
    );
}
