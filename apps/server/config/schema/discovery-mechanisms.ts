// The keys of every discovery mechanism: one entry each, with defaults and with what the reference refuses. Those that ask a
// provider of machines stand in cloud-mechanisms.ts.
import { type Codec, type ConfigUrl, quote, struct, yamlCodec } from "@narthex/toolkit";
import type { DiscoveryKind, HttpClientConfig } from "../types.ts";
import { cloudMechanisms } from "./cloud-mechanisms.ts";
import { kubernetesMechanism } from "./kubernetes-mechanism.ts";
import {
  addressParts,
  type DiscoveryBody,
  http,
  httpAddressProblem,
  isEmptySecret,
  kept,
  keptRefresh,
  key,
  type Mechanism,
  MINUTE,
  mechanism,
  missing,
  port,
  refresh,
  SECOND,
} from "./mechanism.ts";

const { bool, duration, filePath, int, list, map, secret, text, url, urlSyntaxProblem } = yamlCodec;

function* declare(): Generator<Mechanism> {
  const texts = list(text);
  const hostFilter = struct<Record<string, unknown>>("moby.Filter", [kept("name", text), kept("values", texts)]);

  yield [
    "file",
    mechanism(
      "file.plain",
      [
        kept(
          "files",
          list(
            filePath((path) =>
              /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/.test(path)
                ? undefined
                : `path name ${quote(path)} is not valid for file discovery`,
            ),
          ),
        ),
        refresh(5 * MINUTE),
      ],
      (body) =>
        (body["files"] as string[]).length === 0
          ? ["file service discovery config must contain at least one path name", "files"]
          : undefined,
    ),
  ];

  yield [
    "http",
    mechanism("http.plain", [http, refresh(MINUTE), kept("url", url)], (body) => {
      const problem = httpAddressProblem((body["url"] as ConfigUrl | undefined)?.reveal() ?? "");
      return problem === undefined ? undefined : [problem, "url"];
    }),
  ];

  yield [
    "consul",
    mechanism(
      "consul.plain",
      [
        key("server", text, "localhost:8500"),
        key("path_prefix", text),
        key("token", secret),
        key("datacenter", text),
        key("namespace", text),
        key("partition", text),
        key("tag_separator", text, ","),
        key("scheme", text, "http"),
        key("username", text),
        key("password", secret),
        kept("allow_stale", bool, true),
        refresh(30 * SECOND),
        key("services", texts),
        key("tags", texts),
        key("node_meta", map(text)),
        key("filter", text),
        key("health_filter", text),
        http,
      ],
      (body) => {
        if ((body["server"] as string).trim() === "")
          return ["consul SD configuration requires a server address", "server"];
        const { basicAuth, authorization, oauth2 } = body.http as HttpClientConfig;
        if ((body["username"] !== "" || !isEmptySecret(body["password"])) && basicAuth !== undefined) {
          return [
            "at most one of consul SD configuration username and password and basic auth can be configured",
            "basic_auth",
          ];
        }
        if (!isEmptySecret(body["token"]) && (authorization !== undefined || oauth2 !== undefined)) {
          return ["at most one of consul SD token, authorization, or oauth2 can be configured", "token"];
        }
        return undefined;
      },
    ),
  ];

  yield [
    "dns",
    mechanism(
      "dns.plain",
      [kept("names", texts), refresh(30 * SECOND), kept("type", text, "SRV"), kept("port", int)],
      (body) => {
        if ((body["names"] as string[]).length === 0)
          return ["DNS-SD config must contain at least one SRV record name", "names"];
        const type = (body["type"] as string).toUpperCase();
        if (type === "SRV") return undefined;
        if (!["A", "AAAA", "MX", "NS"].includes(type)) return [`invalid DNS-SD records type ${body["type"]}`, "type"];
        return body["port"] === 0
          ? ["a port is required in DNS-SD configs for all record types except SRV", "type"]
          : undefined;
      },
    ),
  ];

  yield [
    "docker",
    mechanism(
      "moby.plain",
      [
        http,
        kept("host", text),
        port,
        kept("filters", list(hostFilter)),
        kept("host_networking_host", text, "localhost"),
        keptRefresh(MINUTE),
        kept("match_first_network", bool, true),
      ],
      (body) => hostProblem(body),
    ),
  ];

  yield [
    "dockerswarm",
    mechanism(
      "moby.plain",
      [http, kept("host", text), kept("role", text), port, kept("filters", list(hostFilter)), keptRefresh(MINUTE)],
      (body) => {
        const problem = hostProblem(body);
        if (problem !== undefined) return problem;
        if (body["role"] === "") return ["role missing (one of: tasks, services, nodes)", "role"];
        return ["tasks", "services", "nodes"].includes(body["role"] as string)
          ? undefined
          : [`invalid role ${body["role"]}, expected tasks, services, or nodes`, "role"];
      },
    ),
  ];

  yield [
    "eureka",
    mechanism("eureka.plain", [key("server", text), http, refresh(30 * SECOND)], (body) => {
      const server = body["server"] as string;
      if (server === "") return ["eureka_sd: empty or null eureka server", "server"];
      const syntax = urlSyntaxProblem(server);
      if (syntax !== undefined) return [syntax, "server"];
      const { scheme, host } = addressParts(server);
      return scheme === "" || host === "" ? ["eureka_sd: invalid eureka server URL", "server"] : undefined;
    }),
  ];

  yield ["kubernetes", kubernetesMechanism()];

  yield [
    "kuma",
    mechanism(
      "xds.plainKumaConf",
      [
        http,
        refresh(15 * SECOND),
        key("fetch_timeout", duration, 2 * MINUTE),
        key("server", text),
        key("client_id", text),
      ],
      (body) => {
        const server = body["server"] as string;
        if (server === "") return ["kuma SD server must not be empty: ", "server"];
        const syntax = urlSyntaxProblem(server);
        if (syntax !== undefined) return [syntax, "server"];
        const { scheme, host } = addressParts(server);
        return scheme === "" || host === ""
          ? [`kuma SD server must not be empty and have a scheme: ${server}`, "server"]
          : undefined;
      },
    ),
  ];

  yield ["marathon", marathon()];

  for (const kind of ["nerve", "serverset"] as const) {
    yield [
      kind,
      mechanism(
        "zookeeper.plain",
        [kept("servers", texts), kept("paths", texts), key("timeout", duration, 10 * SECOND)],
        (body) => {
          const paths = body["paths"] as string[];
          if ((body["servers"] as string[]).length === 0) {
            return [`${kind} SD config must contain at least one Zookeeper server`, "servers"];
          }
          if (paths.length === 0) return [`${kind} SD config must contain at least one path`, "paths"];
          const relative = paths.find((path) => !path.startsWith("/"));
          return relative === undefined
            ? undefined
            : [`${kind} SD config paths must begin with '/': ${relative}`, "paths"];
        },
      ),
    ];
  }

  yield [
    "nomad",
    mechanism(
      "nomad.plain",
      [
        kept("allow_stale", bool, true),
        http,
        kept("namespace", text, "default"),
        keptRefresh(MINUTE),
        kept("region", text, "global"),
        kept("server", text, "http://localhost:4646"),
        key("tag_separator", text, ","),
      ],
      (body) =>
        (body["server"] as string).trim() === ""
          ? ["nomad SD configuration requires a server address", "server"]
          : undefined,
    ),
  ];

  yield [
    "puppetdb",
    mechanism(
      "puppetdb.plain",
      [http, refresh(MINUTE), kept("url", text), kept("query", text), kept("include_parameters", bool), port],
      (body) => {
        const problem = httpAddressProblem(body["url"] as string);
        return problem === undefined ? missing(body, [["query", "query missing"]]) : [problem, "url"];
      },
    ),
  ];

  yield [
    "uyuni",
    mechanism(
      "uyuni.plain",
      [
        kept("server", text),
        kept("username", text),
        kept("password", secret),
        http,
        key("entitlement", text, "monitoring_entitled"),
        key("separator", text, ","),
        refresh(MINUTE),
      ],
      (body) => {
        const server = body["server"] as string;
        const syntax = server === "" ? undefined : urlSyntaxProblem(server);
        if (syntax !== undefined) return [`Uyuni Server URL is not valid: ${syntax}`, "server"];
        return missing(body, [
          ["server", "Uyuni SD configuration requires server host"],
          ["username", "Uyuni SD configuration requires a username"],
          ["password", "Uyuni SD configuration requires a password"],
        ]);
      },
    ),
  ];
}

function hostProblem(body: DiscoveryBody): readonly [string, string] | undefined {
  const host = body["host"] as string;
  const problem = host === "" ? "host missing" : urlSyntaxProblem(host);
  return problem === undefined ? undefined : [problem, "host"];
}

function marathon(): Codec<DiscoveryBody> {
  return mechanism(
    "marathon.plain",
    [
      key("servers", list(text)),
      key("refresh_interval", duration, 30 * SECOND),
      key("auth_token", secret),
      key("auth_token_file", filePath()),
      http,
    ],
    (body, reader) => {
      const hasToken = !isEmptySecret(body["authToken"]);
      const hasFile = body["authTokenFile"] !== "";
      if ((body["servers"] as string[]).length === 0)
        return ["marathon_sd: must contain at least one Marathon server", "servers"];
      if (hasToken && hasFile) {
        return ["marathon_sd: at most one of auth_token & auth_token_file must be configured", "auth_token_file"];
      }
      if (!hasToken && !hasFile) return undefined;
      const { basicAuth, authorization } = body.http as HttpClientConfig;
      if (basicAuth !== undefined) {
        return [
          "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured",
          "basic_auth",
        ];
      }
      if (reader.wasWritten(body, "bearer_token") || reader.wasWritten(body, "bearer_token_file")) {
        return [
          "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured",
        ];
      }
      return authorization === undefined
        ? undefined
        : [
            "marathon_sd: at most one of auth_token, auth_token_file & authorization must be configured",
            "authorization",
          ];
    },
  );
}

/** Reads the bodies of all mechanisms but `static`. */
export const mechanisms: ReadonlyMap<Exclude<DiscoveryKind, "static">, Codec<DiscoveryBody>> = new Map([
  ...declare(),
  ...cloudMechanisms(),
]);
