// kubeconfig files: cluster and user of the current context. Source: Kubernetes client configuration v1, `Config`.
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import {
  ConfigUrl,
  EMPTY_SECRET,
  flagOf,
  type JsonObject,
  objectOf,
  objectsOf,
  PLAIN_HTTP,
  Secret,
  textOf,
  textsOf,
} from "@narthex/toolkit";
import { parse } from "yaml";
import type { HttpClientConfig, HttpHeaderConfig, TlsConfig } from "../../config/types.ts";
import type { ClusterAccess } from "./cluster-access.ts";

const MAX_ALIASES = 100;

/** Reads the way to the current context's cluster. Throws for what is not there, not readable or not supported. */
export function readKubeconfig(path: string): ClusterAccess {
  const config = objectOf(parse(readFileSync(path, "utf8"), { maxAliasCount: MAX_ALIASES }), "kubeconfig");
  const current = textOf(config["current-context"], "current-context");
  const context = current === "" ? only(config["contexts"], "context") : named(config["contexts"], "context", current);
  const cluster = named(config["clusters"], "cluster", textOf(context["cluster"], "cluster"));
  const userName = textOf(context["user"], "user");
  const user = userName === "" ? {} : named(config["users"], "user", userName);
  const server = textOf(cluster["server"], "server");
  if (server === "") throw new Error("kubeconfig: the cluster has no server");
  const file = (name: string, from: JsonObject) => {
    const text = textOf(from[name], name);
    return text === "" || isAbsolute(text) ? text : join(dirname(path), text);
  };
  const proxyUrl = textOf(cluster["proxy-url"], "proxy-url");
  const tls: TlsConfig = {
    ...PLAIN_HTTP.tls,
    ...oneOf("ca", dataOf(cluster, "certificate-authority-data"), file("certificate-authority", cluster)),
    ...oneOf("cert", dataOf(user, "client-certificate-data"), file("client-certificate", user)),
    ...keyOf(dataOf(user, "client-key-data"), file("client-key", user)),
    serverName: textOf(cluster["tls-server-name"], "tls-server-name"),
    insecureSkipVerify: flagOf(cluster["insecure-skip-tls-verify"], "insecure-skip-tls-verify"),
  };
  const http: HttpClientConfig = {
    ...PLAIN_HTTP,
    tls,
    ...credentialsOf(user, userName, file("tokenFile", user)),
    httpHeaders: impersonation(user),
    proxy: proxyUrl === "" ? PLAIN_HTTP.proxy : { ...PLAIN_HTTP.proxy, proxyUrl: new ConfigUrl(proxyUrl) },
  };
  return { base: server.replace(/\/+$/, ""), http, ownNamespace: "" };
}

function named(list: unknown, kind: string, name: string): JsonObject {
  const found = objectsOf(list, `${kind}s`).find((entry) => textOf(entry["name"], "name") === name);
  if (found === undefined) throw new Error(`kubeconfig: ${kind} ${JSON.stringify(name)} does not exist`);
  return objectOf(found[kind], kind);
}

function only(list: unknown, kind: string): JsonObject {
  const entries = objectsOf(list, `${kind}s`);
  if (entries.length !== 1) throw new Error(`kubeconfig: no current-context, and ${entries.length} contexts`);
  return objectOf(entries[0]?.[kind], kind);
}

/** Base64 as text; "" when it is not given. */
function dataOf(from: JsonObject, name: string): string {
  return Buffer.from(textOf(from[name], name), "base64").toString("utf8");
}

/** Data wins over a file, as the format says. */
function oneOf(name: "ca" | "cert", data: string, file: string): Partial<TlsConfig> {
  return data === "" ? { [`${name}File`]: file } : { [name]: data };
}

function keyOf(data: string, file: string): Partial<TlsConfig> {
  return data === "" ? { keyFile: file } : { key: new Secret(data) };
}

function credentialsOf(user: JsonObject, name: string, tokenFile: string): Partial<HttpClientConfig> {
  const token = textOf(user["token"], "token");
  const username = textOf(user["username"], "username");
  for (const unsupported of ["exec", "auth-provider"]) {
    if (user[unsupported] === undefined || user[unsupported] === null) continue;
    throw new Error(
      `kubeconfig: user ${JSON.stringify(name)} gets credentials by ${unsupported}, which is not supported: use a token, a token file or a client certificate`,
    );
  }
  if (tokenFile !== "" || token !== "") {
    const credentials = tokenFile === "" ? new Secret(token) : EMPTY_SECRET;
    return { authorization: { type: "Bearer", credentials, credentialsFile: tokenFile } };
  }
  if (username === "") return {};
  const password = new Secret(textOf(user["password"], "password"));
  return { basicAuth: { username, usernameFile: "", password, passwordFile: "" } };
}

/** Headers that make the API treat requests as somebody else's. */
function impersonation(user: JsonObject): ReadonlyMap<string, HttpHeaderConfig> | undefined {
  const headers = new Map<string, HttpHeaderConfig>();
  const add = (header: string, values: readonly string[]) => {
    if (values.length > 0) headers.set(header, { values, secrets: [], files: [] });
  };
  for (const [header, key] of [
    ["Impersonate-User", "as"],
    ["Impersonate-Uid", "as-uid"],
  ] as const) {
    const text = textOf(user[key], key);
    if (text !== "") add(header, [text]);
  }
  add("Impersonate-Group", textsOf(user["as-groups"], "as-groups"));
  return headers.size === 0 ? undefined : headers;
}
