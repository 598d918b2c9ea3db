// The keys of an HTTP client are the toolkit's, as every program has them.
export {
  completeHttpClient,
  type HttpClientDraft,
  httpClientShape,
  isDefaultHttpClient,
  isReservedHeader,
  remoteWriteHttpShape,
  tlsClientConfig as tlsConfig,
} from "@narthex/toolkit";
