export { type ApiAnswer, ApiClient, type ApiRequest, jsonOf, statusError } from "./cloud/api-client.ts";
export { ApiError } from "./cloud/api-error.ts";
export { AwsCredentialSource, type AwsCredentials } from "./cloud/aws-credentials.ts";
export { awsError, formBody } from "./cloud/aws-query.ts";
export { parseJson, refuseTooManyValues } from "./cloud/bounded-json.ts";
export {
  flagOf,
  integerOf,
  type JsonObject,
  objectOf,
  objectsOf,
  optionalFlagOf,
  optionalObjectOf,
  optionalTextOf,
  ShapeError,
  textOf,
  textPairsOf,
  textsOf,
} from "./cloud/json-shape.ts";
export { signedHeaders } from "./cloud/sigv4.ts";
export { domainOf } from "./cloud/sts.ts";
export { parseXml, type XmlElement, xmlList, xmlText } from "./cloud/xml.ts";
export {
  booleanFlag,
  checkedFlag,
  choiceFlag,
  durationFlag,
  type Flag,
  type FlagTraits,
  type FlagType,
  goDurationFlag,
  integerFlag,
  numberFlag,
  sizeFlag,
  textFlag,
} from "./flags/flag.ts";
export { type FlagExit, type FlagProgram, flagTexts, type ParsedFlags, parseFlags } from "./flags/parse.ts";
export { type BuildInfo, buildInfo, NARTHEX_VERSION, versionText } from "./flags/version.ts";
export type {
  AuthorizationConfig,
  BasicAuthConfig,
  HttpClientConfig,
  HttpHeaderConfig,
  OAuth2Config,
  ProxyConfig,
  TlsConfig,
  TlsVersion,
} from "./http-client/config.ts";
export {
  completeHttpClient,
  type HttpClientDraft,
  httpClientShape,
  isDefaultHttpClient,
  isReservedHeader,
  remoteWriteHttpShape,
  tlsClientConfig,
} from "./http-client/config-schema.ts";
export { isCredentialHeader, withoutCredentials } from "./http-client/credential-headers.ts";
export { requestErrorText, requestFailure } from "./http-client/error-text.ts";
export { TokenSource } from "./http-client/oauth2.ts";
export { ownHeaders } from "./http-client/own-headers.ts";
export { PLAIN_HTTP } from "./http-client/plain-http-config.ts";
export { type ProxyRule, proxyRule } from "./http-client/proxy.ts";
export {
  CredentialError,
  type DialObserver,
  type Route as HttpRoute,
  Router as HttpRouter,
  readCredential,
  tlsClientOptions,
} from "./http-client/route.ts";
export { openRequest, type RoutedRequestOptions } from "./http-client/routed-request.ts";
export { Access, userOf } from "./http-server/access.ts";
export { type ListenAddress, listen, parseListenAddress, portsOf, systemdSockets } from "./http-server/listen.ts";
export { PageFile } from "./http-server/page-file.ts";
export { tidyPath } from "./http-server/tidy-path.ts";
export { type Attributes, quote } from "./log/format.ts";
export { goDuration } from "./log/go-duration.ts";
export {
  createLogger,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from "./log/logger.ts";
export { ConfigUrl, EMPTY_SECRET, SECRET_MASK, Secret } from "./secret/secret.ts";
export { type AuthVerdict, BasicAuth, type ComparePassword } from "./tls-and-auth/basic-auth.ts";
export { type ServerTls, serverTls } from "./tls-and-auth/server-tls.ts";
export {
  type ClientAuthType,
  loadWebConfig,
  parseWebConfig,
  type ServerTlsConfig,
  tlsServerConfig,
  usesTls,
  type WebConfig,
  WebConfigError,
} from "./tls-and-auth/web-config.ts";
export { type LoadedWebConfig, WebConfigFile } from "./tls-and-auth/web-config-file.ts";
export { DurationError, formatDuration, parseDuration } from "./units/duration.ts";
export { parseGoDuration } from "./units/go-duration.ts";
export { formatSize, parseSize, SizeError } from "./units/size.ts";
export * as yamlCodec from "./yaml/codecs.ts";
export { emitYaml, Flow, type YamlValue } from "./yaml/emit.ts";
export {
  type Position,
  type YamlEntry,
  type YamlMapping,
  type YamlNode,
  type YamlScalar,
  type YamlSequence,
  YamlSyntaxError,
} from "./yaml/node.ts";
export { type ParsedYaml, parseYaml } from "./yaml/parse.ts";
export { type Codec, decodeNode, isNull, reportMismatch, type YamlProblem, YamlReader } from "./yaml/reader.ts";
export {
  editDistance,
  type Field,
  field,
  type Inline,
  initialOf,
  type StructOptions,
  type StructShape,
  struct,
} from "./yaml/struct.ts";
