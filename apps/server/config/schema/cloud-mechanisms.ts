// The keys of the mechanisms that ask a provider of machines: one entry each, with defaults and with what the reference refuses.
import { type Codec, formatDuration, quote, struct, tlsClientConfig, yamlCodec } from "@narthex/toolkit";
import {
  camelCase,
  type DiscoveryBody,
  http,
  isEmptySecret,
  kept,
  keptRefresh,
  key,
  type Mechanism,
  MINUTE,
  mechanism,
  missing,
  oneOf,
  port,
  refresh,
} from "./mechanism.ts";

const { bool, duration, filePath, int, list, secret, text, urlSyntaxProblem } = yamlCodec;

/** In the order of their names, more or less: whoever writes them sorts them. */
export function* cloudMechanisms(): Generator<Mechanism> {
  const texts = list(text);
  const filter = struct<Record<string, unknown>>("aws.Filter", [kept("name", text), kept("values", texts)]);
  const awsAccess = [
    key("access_key", text),
    key("secret_key", secret),
    key("profile", text),
    key("role_arn", text),
    key("external_id", text),
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

  yield [
    "linode",
    mechanism("linode.plain", [http, keptRefresh(MINUTE), port, key("tag_separator", text, ","), key("region", text)]),
  ];

  yield ["oci", oci()];

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
        key("tls_config", tlsClientConfig),
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
        key("tls_config", tlsClientConfig),
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

  yield ["vultr", mechanism("vultr.plain", [http, keptRefresh(MINUTE), port])];
}

function secretKeyProblem(body: DiscoveryBody): readonly [string, string] | undefined {
  const hasKey = !isEmptySecret(body["secretKey"]);
  const hasFile = body["secretKeyFile"] !== "";
  if (!hasKey && !hasFile) return ["one of secret_key & secret_key_file must be configured", "secret_key"];
  return hasKey && hasFile
    ? ["at most one of secret_key & secret_key_file must be configured", "secret_key_file"]
    : undefined;
}

function oci(): Codec<DiscoveryBody> {
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
