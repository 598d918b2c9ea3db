// The HTTP client without any settings: for servers of which the configuration says nothing.

import { EMPTY_SECRET } from "../secret/secret.ts";
import type { HttpClientConfig } from "./config.ts";

/** No credentials, no proxy, the system's certificates; redirects are followed. */
export const PLAIN_HTTP: HttpClientConfig = {
  basicAuth: undefined,
  authorization: undefined,
  oauth2: undefined,
  tls: {
    ca: "",
    cert: "",
    key: EMPTY_SECRET,
    caFile: "",
    certFile: "",
    keyFile: "",
    serverName: "",
    insecureSkipVerify: false,
    minVersion: "",
    maxVersion: "",
  },
  followRedirects: true,
  enableHttp2: true,
  proxy: { proxyUrl: undefined, noProxy: "", proxyFromEnvironment: false, proxyConnectHeader: new Map() },
  httpHeaders: undefined,
};
