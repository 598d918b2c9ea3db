// The keys of every discovery mechanism: one entry each, with defaults and with what the reference refuses.
//
// Bodies are read into plain objects whose properties are the keys in camel case (durations with `Ms` behind); HTTP client keys stand in `http`.

import type { ConfigUrl } from "@narthex/toolkit";
import {
  type Codec,
  type Field,
  field,
  formatDuration,
  type Inline,
  quote,
  type Secret,
  struct,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import type { DiscoveryKind, HttpClientConfig } from "../types.ts";
import { completeHttpClient, httpClientShape, isDefaultHttpClient, tlsConfig } from "./http-client.ts";
import { fieldSelectorProblem, labelSelectorProblem } from "./kubernetes-selector.ts";

const { bool, checkedText, duration, filePath, int, list, map, secret, text, url, urlSyntaxProblem } = yamlCodec;

/** A mechanism's keys as read: `http` is there when the mechanism takes HTTP client keys. */
export type DiscoveryBody = Record<string, unknown> & { readonly http?: HttpClientConfig };

/** The first thing wrong with a body: the text and the key at fault; undefined for a good one. */
type Check = (body: DiscoveryBody, reader: YamlReader) => readonly [message: string, key?: string] | undefined;

const SECOND = 1000;
const MINUTE = 60_000;

/** Written only when not zero. */
function key(name: string, codec: Codec<never> | Codec<unknown> | Codec<string>, initial?: unknown): Field {
  return field<Record<string, unknown>>(
    name,
    camelCase(name) + (codec === duration ? "Ms" : ""),
    codec,
    initial === undefined ? {} : { initial: () => initial },
  );
}

/** Written always. */
function kept(name: string, codec: Codec<never> | Codec<unknown> | Codec<string>, initial?: unknown): Field {
  return { ...key(name, codec, initial), keep: true };
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function mechanism(type: string, members: readonly (Field | Inline)[], check?: Check): Codec<DiscoveryBody> {
  return struct<DiscoveryBody>(type, members, {
    check(body, reader) {
      const problem = check?.(body, reader);
      if (problem !== undefined) reader.invalid(reader.place(body, problem[1]), problem[0]);
      else if (body.http !== undefined) completeHttpClient(body.http, reader);
    },
  });
}

function oneOf(names: readonly string[], problem: (name: string) => string): Codec<string> {
  return checkedText<string>("string", (name) => (names.includes(name) ? undefined : problem(name)));
}

/** The parts of an absolute address, as far as the checks need them. */
function addressParts(address: string): { scheme: string; host: string } {
  const [, scheme = "", authority = ""] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?/.exec(address) ?? [];
  return { scheme: scheme.toLowerCase(), host: authority.slice(authority.lastIndexOf("@") + 1) };
}

function httpAddressProblem(address: string): string | undefined {
  if (address === "") return "URL is missing";
  const syntax = urlSyntaxProblem(address);
  if (syntax !== undefined) return syntax;
  const { scheme, host } = addressParts(address);
  if (scheme !== "http" && scheme !== "https") return "URL scheme must be 'http' or 'https'";
  return host === "" ? "host is missing in URL" : undefined;
}

function missing(
  body: DiscoveryBody,
  required: readonly (readonly [name: string, message: string])[],
): readonly [string, string] | undefined {
  for (const [name, message] of required) {
    const value = body[camelCase(name)];
    if (value === "" || value === undefined || isEmptySecret(value)) return [message, name];
  }
  return undefined;
}

function isEmptySecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "isEmpty" in value && (value as Secret).isEmpty;
}

function* declare(): Generator<[Exclude<DiscoveryKind, "static">, Codec<DiscoveryBody>]> {
  const http: Inline = { name: "http", inline: httpClientShape };
  const refresh = (ms: number): Field => key("refresh_interval", duration, ms);
  const keptRefresh = (ms: number): Field => kept("refresh_interval", duration, ms);
  const port = kept("port", int, 80);
  const texts = list(text);
  const filter = struct<Record<string, unknown>>("aws.Filter", [kept("name", text), kept("values", texts)]);
  const hostFilter = struct<Record<string, unknown>>("moby.Filter", [kept("name", text), kept("values", texts)]);
  const awsAccess = [
    key("access_key", text),
    key("secret_key", secret),
    key("profile", text),
    key("role_arn", text),
    key("external_id", text),
  ];

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
    "aws",
    mechanism(
      "aws.plain",
      [
        kept(
          "role",
          oneOf(
            ["ec2", "ecs", "elasticache", "lightsail", "msk", "rds"],
            (role) => `unknown AWS SD role ${quote(role)}`,
          ),
        ),
        key("region", text),
        key("endpoint", text),
        ...awsAccess,
        refresh(MINUTE),
        key("port", int, 80),
        http,
        key("filters", list(filter)),
        key("clusters", texts),
      ],
      (body) => (body["role"] === "" ? ['unknown AWS SD role ""', "role"] : undefined),
    ),
  ];

  yield [
    "azure",
    mechanism(
      "azure.plain",
      [
        key("environment", text, "AzurePublicCloud"),
        port,
        kept("subscription_id", text),
        key("tenant_id", text),
        key("client_id", text),
        key("client_secret", secret),
        refresh(5 * MINUTE),
        key("authentication_method", text, "OAuth"),
        key("resource_group", text),
        http,
      ],
      (body) => {
        const method = body["authenticationMethod"] as string;
        const needed =
          method === "OAuth" ? ["subscription_id", "tenant_id", "client_id", "client_secret"] : ["subscription_id"];
        const absent = missing(
          body,
          needed.map((name) => [name, `azure SD configuration requires a ${name}`]),
        );
        if (absent !== undefined) return absent;
        return ["OAuth", "ManagedIdentity", "SDK", "WorkloadIdentity"].includes(method)
          ? undefined
          : [
              `unknown authentication_type ${quote(method)}. Supported types are "OAuth", "ManagedIdentity", "SDK" or "WorkloadIdentity"`,
              "authentication_method",
            ];
      },
    ),
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
    "digitalocean",
    mechanism(
      "digitalocean.plain",
      [
        http,
        keptRefresh(MINUTE),
        port,
        kept(
          "role",
          oneOf(["droplets", "databases"], (role) => `unknown DigitalOcean SD role ${quote(role)}`),
          "droplets",
        ),
      ],
      (body) => missing(body, [["role", "role missing (one of: droplets, databases)"]]),
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

  const ec2Keys = [kept("endpoint", text), kept("region", text), ...awsAccess, refresh(MINUTE), port];
  yield [
    "ec2",
    mechanism("aws.plain", [...ec2Keys, kept("filters", list(filter)), http], (body, reader) => {
      for (const each of body["filters"] as Record<string, unknown>[]) {
        if ((each["values"] as string[]).length > 0) continue;
        reader.invalid(reader.place(each, "values"), "EC2 SD configuration filter values cannot be empty");
      }
      return undefined;
    }),
  ];

  yield ["lightsail", mechanism("aws.plain", [...ec2Keys, http])];

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

  yield [
    "gce",
    mechanism(
      "gce.plain",
      [
        kept("project", text),
        kept("zone", text),
        key("filter", text),
        refresh(MINUTE),
        port,
        key("tag_separator", text, ","),
      ],
      (body) =>
        missing(body, [
          ["project", "GCE SD configuration requires a project"],
          ["zone", "GCE SD configuration requires a zone"],
        ]),
    ),
  ];

  yield [
    "hetzner",
    mechanism(
      "hetzner.plain",
      [
        http,
        keptRefresh(MINUTE),
        port,
        kept(
          "role",
          oneOf(["robot", "hcloud"], (role) => `unknown role ${quote(role)}`),
        ),
        key("label_selector", text),
      ],
      (body) => missing(body, [["role", "role missing (one of: robot, hcloud)"]]),
    ),
  ];

  yield [
    "ionos",
    mechanism("ionos.plain", [kept("datacenter_id", text), http, keptRefresh(MINUTE), port], (body) =>
      missing(body, [["datacenter_id", "datacenter id can't be empty"]]),
    ),
  ];

  yield ["kubernetes", kubernetes(http)];

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

  yield [
    "linode",
    mechanism("linode.plain", [http, keptRefresh(MINUTE), port, key("tag_separator", text, ","), key("region", text)]),
  ];

  yield ["marathon", marathon(http)];

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

  yield ["oci", oci(http)];

  yield [
    "openstack",
    mechanism(
      "openstack.plain",
      [
        ...["identity_endpoint", "username", "userid"].map((name) => kept(name, text)),
        kept("password", secret),
        ...[
          "project_name",
          "project_id",
          "domain_name",
          "domain_id",
          "application_credential_name",
          "application_credential_id",
        ].map((name) => kept(name, text)),
        kept("application_credential_secret", secret),
        kept(
          "role",
          oneOf(["hypervisor", "instance", "loadbalancer"], (role) => `unknown OpenStack SD role ${quote(role)}`),
        ),
        kept("region", text),
        keptRefresh(MINUTE),
        port,
        key("all_tenants", bool),
        key("tls_config", tlsConfig),
        key("availability", text, "public"),
      ],
      (body) => {
        if (!["public", "internal", "admin"].includes(body["availability"] as string)) {
          return [
            `unknown availability ${body["availability"]}, must be one of admin, internal or public`,
            "availability",
          ];
        }
        return missing(body, [
          ["role", "role missing (one of: instance, hypervisor, loadbalancer)"],
          ["region", "openstack SD configuration requires a region"],
        ]);
      },
    ),
  ];

  yield [
    "outscale",
    mechanism(
      "outscale.plain",
      [
        key("endpoint", text),
        kept("region", text, "eu-west-2"),
        kept("access_key", text),
        kept("secret_key", secret),
        kept("secret_key_file", filePath()),
        refresh(MINUTE),
        port,
        http,
      ],
      (body) => {
        const problem =
          missing(body, [
            ["region", "outscale SD configuration requires a region"],
            ["access_key", "outscale SD configuration requires access_key"],
          ]) ?? secretKeyProblem(body);
        if (problem === undefined && body["endpoint"] === "")
          body["endpoint"] = `https://api.${body["region"]}.outscale.com/api/v1`;
        return problem;
      },
    ),
  ];

  yield [
    "ovhcloud",
    mechanism(
      "ovhcloud.plain",
      [
        kept("endpoint", text, "ovh-eu"),
        kept("application_key", text),
        kept("application_secret", secret),
        kept("consumer_key", secret),
        keptRefresh(MINUTE),
        kept("service", text),
      ],
      (body) => {
        const absent = missing(
          body,
          ["endpoint", "application_key", "application_secret", "consumer_key"].map((name) => [
            name,
            `${name.replace("_", " ")} can not be empty`,
          ]),
        );
        if (absent !== undefined) return absent;
        const service = body["service"] as string;
        return ["dedicated_server", "vps"].includes(service) ? undefined : [`unknown service: ${service}`, "service"];
      },
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
    "scaleway",
    mechanism(
      "scaleway.plain",
      [
        kept("project_id", text),
        key("api_url", text, "https://api.scaleway.com"),
        kept("zone", text, "fr-par-1"),
        kept("access_key", text),
        kept("secret_key", secret),
        kept("secret_key_file", filePath()),
        key("name_filter", text),
        key("tags_filter", texts),
        http,
        keptRefresh(MINUTE),
        port,
        kept(
          "role",
          oneOf(["instance", "baremetal"], (role) => `unknown role ${quote(role)}`),
        ),
      ],
      (body) =>
        missing(body, [
          ["role", "role missing (one of: instance, baremetal)"],
          ["project_id", "project_id is mandatory"],
        ]) ??
        secretKeyProblem(body) ??
        missing(body, [["access_key", "access_key is mandatory"]]),
    ),
  ];

  yield [
    "stackit",
    mechanism(
      "stackit.plain",
      [
        http,
        kept("project", text),
        refresh(MINUTE),
        key("port", int, 80),
        key("region", text, "eu01"),
        key("endpoint", text),
        key("service_account_key", secret),
        key("private_key", secret),
        key("service_account_key_path", text),
        key("private_key_path", text),
        key("credentials_file_path", text),
      ],
      (body) => {
        const endpoint = body["endpoint"] as string;
        if (endpoint === "" && body["region"] === "") return ["stackit_sd: endpoint and region missing"];
        const syntax = urlSyntaxProblem(endpoint);
        return syntax === undefined
          ? undefined
          : [`stackit_sd: invalid endpoint ${quote(endpoint)}: ${syntax}`, "endpoint"];
      },
    ),
  ];

  yield [
    "triton",
    mechanism(
      "triton.plain",
      [
        kept("account", text),
        kept("role", text, "container"),
        kept("dns_suffix", text),
        kept("endpoint", text),
        key("groups", texts),
        kept("port", int, 9163),
        refresh(MINUTE),
        key("tls_config", tlsConfig),
        kept("version", int, 1),
      ],
      (body) => {
        if (!["container", "cn"].includes(body["role"] as string)) {
          return ["triton SD configuration requires role to be 'container' or 'cn'", "role"];
        }
        const absent = missing(body, [
          ["account", "triton SD configuration requires an account"],
          ["dns_suffix", "triton SD configuration requires a dns_suffix"],
          ["endpoint", "triton SD configuration requires an endpoint"],
        ]);
        if (absent !== undefined) return absent;
        return (body["refreshIntervalMs"] as number) <= 0
          ? ["triton SD configuration requires RefreshInterval to be a positive integer", "refresh_interval"]
          : undefined;
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

  yield ["vultr", mechanism("vultr.plain", [http, keptRefresh(MINUTE), port])];
}

function hostProblem(body: DiscoveryBody): readonly [string, string] | undefined {
  const host = body["host"] as string;
  const problem = host === "" ? "host missing" : urlSyntaxProblem(host);
  return problem === undefined ? undefined : [problem, "host"];
}

function secretKeyProblem(body: DiscoveryBody): readonly [string, string] | undefined {
  const hasKey = !isEmptySecret(body["secretKey"]);
  const hasFile = body["secretKeyFile"] !== "";
  if (!hasKey && !hasFile) return ["one of secret_key & secret_key_file must be configured", "secret_key"];
  return hasKey && hasFile
    ? ["at most one of secret_key & secret_key_file must be configured", "secret_key_file"]
    : undefined;
}

function marathon(http: Inline): Codec<DiscoveryBody> {
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

function oci(http: Inline): Codec<DiscoveryBody> {
  const personal = ["tenancy", "user", "fingerprint", "key_file"] as const;
  return mechanism(
    "oci.plain",
    [
      key("auth", text, "api_key"),
      key("tenancy", text),
      key("user", text),
      key("fingerprint", text),
      key("key_file", filePath()),
      key("key_passphrase", secret),
      key("key_passphrase_file", filePath()),
      kept("region", text),
      key("compartments", list(text)),
      http,
      kept("port", int, 80),
      kept("refresh_interval", duration, MINUTE),
    ],
    (body) => {
      const noRegion = missing(body, [["region", "oci_sd: region is required"]]);
      if (noRegion !== undefined) return noRegion;
      const hasPassphrase = !isEmptySecret(body["keyPassphrase"]);
      const hasPassphraseFile = body["keyPassphraseFile"] !== "";
      if (body["auth"] === "api_key") {
        const absent = missing(
          body,
          personal.map((name) => [name, `oci_sd: api_key auth requires ${name}`]),
        );
        if (absent !== undefined) return absent;
        if (hasPassphrase && hasPassphraseFile) {
          return [
            "oci_sd: at most one of key_passphrase and key_passphrase_file must be configured",
            "key_passphrase_file",
          ];
        }
      } else if (body["auth"] === "instance_principal") {
        if (hasPassphrase || hasPassphraseFile || personal.some((name) => body[camelCase(name)] !== "")) {
          return [
            "oci_sd: instance_principal auth must not have tenancy, user, fingerprint, key_file, key_passphrase, or key_passphrase_file set",
            "auth",
          ];
        }
      } else {
        return [
          `oci_sd: unknown auth method ${quote(body["auth"] as string)}, expected "api_key" or "instance_principal"`,
          "auth",
        ];
      }
      const empty = (body["compartments"] as string[]).indexOf("");
      if (empty >= 0) return [`oci_sd: compartments[${empty}] must not be empty`, "compartments"];
      const interval = body["refreshIntervalMs"] as number;
      return interval > 0
        ? undefined
        : [`oci_sd: refresh_interval must be positive, got ${formatDuration(interval)}`, "refresh_interval"];
    },
  );
}

const KUBERNETES_ROLES = ["node", "pod", "service", "endpoints", "endpointslice", "ingress"];

const KUBERNETES_SELECTORS: Readonly<Record<string, readonly string[]>> = {
  pod: ["pod", "node"],
  service: ["service"],
  endpointslice: ["pod", "service", "endpointslice"],
  endpoints: ["pod", "service", "endpoints"],
  node: ["node"],
  ingress: ["ingress"],
};

function kubernetes(http: Inline): Codec<DiscoveryBody> {
  const role = oneOf(KUBERNETES_ROLES, (name) => `unknown Kubernetes SD role ${quote(name)}`);
  const selector = struct<Record<string, unknown>>("kubernetes.SelectorConfig", [
    key("role", role),
    key("label", text),
    key("field", text),
  ]);
  const namespaces = struct<Record<string, unknown>>("kubernetes.plain", [
    kept("own_namespace", bool),
    kept("names", list(text)),
  ]);
  const attach = struct<Record<string, unknown>>(
    "kubernetes.AttachMetadataConfig",
    ["node", "namespace", "deployment", "job", "cronjob"].map((name) => kept(name, bool)),
  );
  return mechanism(
    "kubernetes.plain",
    [
      key("api_server", url),
      kept("role", role),
      kept("kubeconfig_file", filePath()),
      http,
      key("namespaces", namespaces),
      key("selectors", list(selector)),
      key("attach_metadata", attach),
    ],
    (body, reader) => {
      const before = reader.problemCount;
      if (body["role"] === "") {
        return ["role missing (one of: pod, service, endpoints, endpointslice, node, ingress)", "role"];
      }
      completeHttpClient(body.http as HttpClientConfig, reader);
      if (reader.problemCount > before) return undefined;
      const hasServer = body["apiServer"] !== undefined;
      const hasFile = body["kubeconfigFile"] !== "";
      const isCustom = !isDefaultHttpClient(body.http as HttpClientConfig);
      const own = (body["namespaces"] as Record<string, unknown>)["ownNamespace"] === true;
      if (hasServer && hasFile)
        return ["cannot use 'kubeconfig_file' and 'api_server' simultaneously", "kubeconfig_file"];
      if (hasFile && isCustom) {
        return ["cannot use a custom HTTP client configuration together with 'kubeconfig_file'", "kubeconfig_file"];
      }
      if (!hasServer && isCustom) {
        return ["to use custom HTTP client configuration please provide the 'api_server' URL explicitly"];
      }
      if (hasServer && own)
        return ["cannot use 'api_server' and 'namespaces.own_namespace' simultaneously", "namespaces"];
      if (hasFile && own)
        return ["cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously", "namespaces"];
      const allowed = KUBERNETES_SELECTORS[body["role"] as string] as readonly string[];
      const seen = new Set<unknown>();
      for (const each of body["selectors"] as Record<string, unknown>[]) {
        const wanted = each["role"] as string;
        if (seen.has(wanted)) reader.invalid(reader.place(each, "role"), `duplicated selector role: ${wanted}`);
        else if (!allowed.includes(wanted)) {
          reader.invalid(
            reader.place(each, "role"),
            `${body["role"]} role supports only ${allowed.join(", ")} selectors`,
          );
        }
        seen.add(wanted);
        const fieldProblem = fieldSelectorProblem(each["field"] as string);
        if (fieldProblem !== undefined) reader.invalid(reader.place(each, "field"), fieldProblem);
        const labelProblem = labelSelectorProblem(each["label"] as string);
        if (labelProblem !== undefined) reader.invalid(reader.place(each, "label"), labelProblem);
      }
      return undefined;
    },
  );
}

/** Reads the bodies of all mechanisms but `static`. */
export const mechanisms: ReadonlyMap<Exclude<DiscoveryKind, "static">, Codec<DiscoveryBody>> = new Map(declare());
