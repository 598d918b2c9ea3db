// Opening a request by the route to its host: whom to connect to, what to ask for, and as whom.
import http from "node:http";
import https from "node:https";
import type { Route } from "./route.ts";

/** What of a request does not follow from its URL and its route. */
export interface RoutedRequestOptions
  extends Pick<https.RequestOptions, "lookup" | "method" | "signal" | "socketPath"> {
  /** For connections to a plain host, where the route brings no agent. */
  readonly agent?: http.Agent | undefined;
  readonly headers: Readonly<Record<string, http.OutgoingHttpHeader>>;
}

/**
 * Begins a request for `url`; its body is still to be ended. A proxy without a tunnel is asked for the whole URL, in which no user
 * stands; the proxy's own user goes into the header that is the proxy's. The URL's user is asked as, unless there is an `Authorization`
 * already. Throws for a URL that is not of HTTP.
 */
export function openRequest(url: URL, route: Route, options: RoutedRequestOptions): http.ClientRequest {
  const isSecure = url.protocol === "https:";
  if (!isSecure && url.protocol !== "http:") {
    throw new Error(`unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`);
  }
  const { agent, proxy, headers: proxyHeaders } = route;
  // An agent connects to the proxy by itself.
  const { hostname, port } = proxy !== undefined && agent === undefined ? proxy : url;
  const target = url.pathname + url.search;
  return (isSecure ? https : http).request({
    ...options,
    agent: agent ?? options.agent,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port || (isSecure ? 443 : 80),
    path: proxy === undefined ? target : `${url.protocol}//${url.host}${target}`,
    headers: { Host: url.host, ...userOf(url, options.headers), ...options.headers, ...proxyHeaders },
  });
}

function userOf({ username, password }: URL, headers: RoutedRequestOptions["headers"]): Record<string, string> {
  if (username === "" && password === "") return {};
  if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
