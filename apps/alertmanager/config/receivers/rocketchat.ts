// `rocketchat_configs`.
import { type ConfigUrl, type Secret, struct, yamlCodec } from "@narthex/toolkit";
import { httpUrl } from "../codecs.ts";
import { kept, keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind, refuseBoth } from "./common.ts";

const { bool, filePath, list, optional, secret, text } = yamlCodec;

export interface RocketchatField {
  readonly short: boolean | undefined;
  readonly title: string;
  readonly value: string;
}

/** Keys are one word each: that is how the reference reads them. */
export interface RocketchatAction {
  readonly type: string;
  readonly text: string;
  readonly url: string;
  readonly imageurl: string;
  readonly iswebview: boolean;
  readonly webviewheightratio: string;
  readonly msg: string;
  readonly msginchatwindow: boolean;
  readonly msgprocessingtype: string;
}

export interface RocketchatConfig extends HttpNotifierConfig {
  readonly apiUrl: ConfigUrl | undefined;
  readonly tokenId: Secret | undefined;
  readonly tokenIdFile: string;
  readonly token: Secret | undefined;
  readonly tokenFile: string;
  readonly channel: string;
  readonly color: string;
  readonly title: string;
  readonly titleLink: string;
  readonly text: string;
  readonly fields: readonly RocketchatField[];
  readonly shortFields: boolean;
  readonly emoji: string;
  readonly iconUrl: string;
  readonly imageUrl: string;
  readonly thumbUrl: string;
  readonly linkNames: boolean;
  readonly actions: readonly RocketchatAction[];
}

const rocketField = struct<RocketchatField>(
  "rocketchat.RocketchatAttachmentField",
  keysOf<RocketchatField>({ short: kept(optional(bool)), title: kept(text), value: kept(text) }),
);

const rocketAction = struct<RocketchatAction>(
  "rocketchat.RocketchatAttachmentAction",
  keysOf<RocketchatAction>({
    type: kept(text),
    text: kept(text),
    url: kept(text),
    imageurl: kept(text),
    iswebview: kept(bool),
    webviewheightratio: kept(text),
    msg: kept(text),
    msginchatwindow: kept(bool),
    msgprocessingtype: kept(text),
  }),
);

export const rocketchat: ReceiverKind<RocketchatConfig> = {
  name: "rocketchat",
  codec: struct<RocketchatConfig>(
    "rocketchat.plain",
    keysOf<RocketchatConfig>({
      ...commonKeys(false),
      api_url: httpUrl,
      token_id: optional(secret),
      token_id_file: filePath(),
      token: optional(secret),
      token_file: filePath(),
      channel: text,
      color: preset(text, '{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'),
      title: preset(text, named("rocketchat.default.title")),
      title_link: preset(text, named("rocketchat.default.titlelink")),
      text: preset(text, named("rocketchat.default.text")),
      fields: list(rocketField),
      short_fields: kept(bool),
      emoji: preset(text, named("rocketchat.default.emoji")),
      icon_url: preset(text, named("rocketchat.default.iconurl")),
      image_url: text,
      thumb_url: text,
      link_names: kept(bool),
      actions: list(rocketAction),
    }),
    {
      check(config, reader) {
        const { token, tokenFile, tokenId, tokenIdFile } = config;
        refuseBoth(config, reader, ["token", token !== undefined], ["token_file", tokenFile !== ""]);
        refuseBoth(config, reader, ["token_id", tokenId !== undefined], ["token_id_file", tokenIdFile !== ""]);
      },
    },
  ),
  inherit(config, global, reader) {
    inheritHttp(config, global);
    config.apiUrl ??= global.rocketchatApiUrl;
    config.tokenId ??= global.rocketchatTokenId;
    config.tokenIdFile ||= global.rocketchatTokenIdFile;
    if (config.tokenId === undefined && config.tokenIdFile === "")
      reader.invalid(reader.place(config), "no global Rocketchat TokenID set either inline or in a file");
    config.token ??= global.rocketchatToken;
    config.tokenFile ||= global.rocketchatTokenFile;
    if (config.token === undefined && config.tokenFile === "")
      reader.invalid(reader.place(config), "no global Rocketchat Token set either inline or in a file");
  },
};
