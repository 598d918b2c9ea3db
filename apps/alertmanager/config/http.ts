// `http_config`: how a receiver's service is spoken to.
import {
  type Codec,
  completeHttpClient,
  type HttpClientConfig,
  httpClientShape,
  initialOf,
  type StructShape,
  struct,
} from "@narthex/toolkit";

export const httpConfig: Codec<HttpClientConfig> & StructShape = struct<HttpClientConfig>(
  "config.plain",
  httpClientShape.members,
  { check: completeHttpClient },
);

/** What holds where nothing was written. */
export function defaultHttpConfig(): HttpClientConfig {
  return initialOf(httpConfig);
}
