// The file of `--cluster.tls-config`: how members prove to each other who they are.
import { readFileSync } from "node:fs";
import type { AgentOptions } from "node:https";
import { dirname } from "node:path";
import {
  type Codec,
  decodeNode,
  field,
  initialOf,
  parseYaml,
  type ServerTls,
  type ServerTlsConfig,
  serverTls,
  struct,
  type TlsConfig,
  tlsClientConfig,
  tlsClientOptions,
  tlsServerConfig,
  type YamlMapping,
  YamlReader,
} from "@narthex/toolkit";

interface ClusterTls {
  readonly server: ServerTlsConfig;
  readonly client: TlsConfig;
}

const clusterTls: Codec<ClusterTls> = struct<ClusterTls>("cluster.TLSTransportConfig", [
  field<ClusterTls>("tls_server_config", "server", tlsServerConfig, { initial: () => initialOf(tlsServerConfig) }),
  field<ClusterTls>("tls_client_config", "client", tlsClientConfig),
]);

/** What the listening and the connecting side of a member need. */
export interface MemberTls {
  readonly server: ServerTls;
  readonly client: AgentOptions;
}

/** Reads the file, and the certificates that it names. Throws an error that says what cannot be used. */
export function loadMemberTls(file: string): MemberTls {
  const { root } = parseYaml(readFileSync(file, "utf8"));
  const reader = new YamlReader(dirname(file));
  for (const key of ["tls_server_config", "tls_client_config"])
    if (!hasKey(root as YamlMapping | undefined, key))
      throw new Error(`missing '${key}' entry in the TLS configuration`);
  const { server, client } = decodeNode(clusterTls, root as YamlMapping, reader);
  const [problem] = reader.problems;
  if (problem !== undefined) throw new Error(`${file}:${problem.at.line}:${problem.at.column}: ${problem.message}`);
  return { server: serverTls(server), client: tlsClientOptions(client) };
}

function hasKey(root: YamlMapping | undefined, key: string): boolean {
  return root?.kind === "mapping" && root.entries.some((entry) => entry.key.text === key);
}
