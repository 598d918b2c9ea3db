// `sns_configs`.
import { type Secret, struct, yamlCodec } from "@narthex/toolkit";
import { kept, keysOf, preset } from "../keys.ts";
import { commonKeys, type HttpNotifierConfig, inheritHttp, named, type ReceiverKind } from "./common.ts";

const { bool, map, secret, text } = yamlCodec;

export interface SigV4Config {
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: Secret;
  readonly profile: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly useFipsStsEndpoint: boolean;
  readonly serviceName: string;
}

export interface SnsConfig extends HttpNotifierConfig {
  readonly apiUrl: string;
  readonly sigv4: SigV4Config;
  readonly topicArn: string;
  readonly phoneNumber: string;
  readonly targetArn: string;
  readonly subject: string;
  readonly message: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly useAwsHttpClient: boolean;
}

const sigv4 = struct<SigV4Config>(
  "sigv4.plain",
  keysOf<SigV4Config>({
    region: text,
    access_key: text,
    secret_key: secret,
    profile: text,
    role_arn: text,
    external_id: text,
    use_fips_sts_endpoint: bool,
    service_name: text,
  }),
  {
    check(config, reader) {
      if ((config.accessKey === "") !== config.secretKey.isEmpty)
        reader.invalid(
          reader.place(config),
          "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config",
        );
    },
  },
);

export const sns: ReceiverKind<SnsConfig> = {
  name: "sns",
  nullItem: "missing sns config",
  codec: struct<SnsConfig>(
    "sns.plain",
    keysOf<SnsConfig>({
      ...commonKeys(true),
      api_url: text,
      sigv4: kept(sigv4),
      topic_arn: text,
      phone_number: text,
      target_arn: text,
      subject: preset(text, named("sns.default.subject")),
      message: preset(text, named("sns.default.message")),
      attributes: map(text, { type: "map[string]string" }),
      use_aws_http_client: bool,
    }),
    {
      check(config, reader) {
        const destinations = [config.targetArn, config.topicArn, config.phoneNumber].filter((each) => each !== "");
        // An odd number of them passes in the reference, and so does it here: all three at once are its own to judge.
        if (destinations.length % 2 === 0)
          reader.invalid(
            reader.place(config),
            "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config",
          );
      },
    },
  ),
  inherit: inheritHttp,
};
