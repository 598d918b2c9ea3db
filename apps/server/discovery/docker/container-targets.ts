// Containers as targets: one for each TCP port in each network.
import { integerOf, type JsonObject, objectOf, objectsOf, optionalObjectOf, textOf, textsOf } from "@narthex/toolkit";
import { joinHostPort } from "../meta-label.ts";
import type { DockerDiscoveryBody } from "./docker-body.ts";
import { addLabels } from "./network-labels.ts";

const PREFIX = "__meta_docker_";

type Labels = ReadonlyMap<string, string>;
type Rules = Pick<DockerDiscoveryBody, "port" | "hostNetworkingHost" | "matchFirstNetwork">;

/** The targets of all containers of a list. `networks` holds the labels of networks by id. Throws a `ShapeError`. */
export function containerTargets(
  containers: readonly JsonObject[],
  networks: ReadonlyMap<string, Labels>,
  rules: Rules,
): Labels[] {
  const byId = new Map(containers.map((container) => [textOf(container["Id"], "container Id"), container] as const));
  return containers.flatMap((container) => targetsOf(container, byId, networks, rules));
}

function targetsOf(
  container: JsonObject,
  byId: ReadonlyMap<string, JsonObject>,
  networks: ReadonlyMap<string, Labels>,
  rules: Rules,
): Labels[] {
  const [name] = textsOf(container["Names"], "container Names");
  if (name === undefined) return [];
  const mode = networkMode(container);
  const common = new Map([
    [`${PREFIX}container_id`, textOf(container["Id"], "container Id")],
    [`${PREFIX}container_name`, name],
    [`${PREFIX}container_network_mode`, mode],
  ]);
  const image = textOf(container["Image"], "container Image");
  const imageId = textOf(container["ImageID"], "container ImageID");
  if (image !== "") common.set(`${PREFIX}container_image`, image);
  if (imageId !== "") common.set(`${PREFIX}container_image_id`, imageId);
  addLabels(common, `${PREFIX}container_label_`, container["Labels"], "container Labels");

  const ports = objectsOf(container["Ports"], "container Ports").filter(
    (port) => textOf(port["Type"], "port Type") === "tcp",
  );
  let joined = sharedNetworks(container, byId);
  if (rules.matchFirstNetwork) joined = joined.slice(0, 1);
  return joined.flatMap((network) => {
    const ip = textOf(network["IPAddress"], "IPAddress") || textOf(network["GlobalIPv6Address"], "GlobalIPv6Address");
    const ofNetwork = networks.get(textOf(network["NetworkID"], "NetworkID")) ?? new Map<string, string>();
    const target = (address: string, more: readonly (readonly [string, string])[]): Labels =>
      new Map([[`${PREFIX}network_ip`, ip], ...more, ...common, ...ofNetwork, ["__address__", address]]);
    if (ports.length === 0) {
      return [target(mode === "host" ? rules.hostNetworkingHost : joinHostPort(ip, rules.port), [])];
    }
    return ports.map((port) => {
      const inside = integerOf(port["PrivatePort"], "PrivatePort");
      const outside = integerOf(port["PublicPort"], "PublicPort");
      const more: [string, string][] = [[`${PREFIX}port_private`, String(inside)]];
      if (outside > 0) {
        more.push([`${PREFIX}port_public`, String(outside)]);
        more.push([`${PREFIX}port_public_ip`, textOf(port["IP"], "port IP")]);
      }
      return target(joinHostPort(ip, inside), more);
    });
  });
}

/** Its networks in the order of their names; those of the container whose network it shares when it has none itself. */
function sharedNetworks(container: JsonObject, byId: ReadonlyMap<string, JsonObject>): readonly JsonObject[] {
  // Containers may share each other's network in a circle.
  const seen = new Set<JsonObject>();
  let owner: JsonObject | undefined = container;
  while (owner !== undefined && !seen.has(owner)) {
    seen.add(owner);
    const networks = objectOf(objectOf(owner["NetworkSettings"], "NetworkSettings")["Networks"], "Networks");
    const names = Object.keys(networks).sort();
    if (names.length > 0) {
      return names.flatMap((name): readonly JsonObject[] => {
        const network = optionalObjectOf(networks[name], "Networks");
        return network === undefined ? [] : [network];
      });
    }
    const mode = networkMode(owner);
    owner = mode.startsWith("container:") ? byId.get(mode.slice("container:".length)) : undefined;
  }
  return [];
}

function networkMode(container: JsonObject): string {
  return textOf(objectOf(container["HostConfig"], "HostConfig")["NetworkMode"], "NetworkMode");
}
