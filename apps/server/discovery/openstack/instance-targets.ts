// Machines of OpenStack as targets: one for each of their own addresses.
import { type JsonObject, type Logger, objectOf, textOf, textPairsOf } from "@narthex/toolkit";
import { joinHostPort, sanitizeLabelName } from "../meta-label.ts";

const PREFIX = "__meta_openstack_";

/** Floating addresses: which there are, and to which address of which machine each leads. */
export interface FloatingIps {
  readonly all: ReadonlySet<string>;
  /** By `<machine>/<address>`. */
  readonly byFixed: ReadonlyMap<string, string>;
}

/** Joins floating addresses to machines by the ports between them. */
export function floatingIps(
  ports: readonly JsonObject[],
  floating: readonly JsonObject[],
  logger: Logger,
): FloatingIps {
  const devices = new Map(ports.map((port) => [textOf(port["id"], "port id"), textOf(port["device_id"], "device_id")]));
  const all = new Set<string>();
  const byFixed = new Map<string, string>();
  for (const ip of floating) {
    const port = textOf(ip["port_id"], "port_id");
    const fixed = textOf(ip["fixed_ip_address"], "fixed_ip_address");
    if (port === "" || fixed === "") continue;
    const device = devices.get(port);
    if (device === undefined) {
      logger.warn("Floating IP PortID not found in portList", { PortID: port });
      continue;
    }
    const address = textOf(ip["floating_ip_address"], "floating_ip_address");
    byFixed.set(`${device}/${fixed}`, address);
    all.add(address);
  }
  return { all, byFixed };
}

/** The targets of all machines of a list. Throws a `ShapeError`. */
export function instanceTargets(
  servers: readonly JsonObject[],
  floating: FloatingIps,
  port: number,
  logger: Logger,
): ReadonlyMap<string, string>[] {
  return servers.flatMap((server) => targetsOf(server, floating, port, logger));
}

function targetsOf(server: JsonObject, floating: FloatingIps, port: number, logger: Logger): Map<string, string>[] {
  const id = textOf(server["id"], "server id");
  const pools = objectOf(server["addresses"], "addresses");
  if (Object.keys(pools).length === 0) {
    logger.info("Got no IP address", { instance: id });
    return [];
  }
  const flavor = objectOf(server["flavor"], "flavor");
  const flavorName = [flavor["original_name"], flavor["id"]].find((value) => typeof value === "string");
  if (flavorName === undefined) {
    logger.warn("Invalid type for both flavor original_name and flavor id, expected string", { instance: id });
    return [];
  }
  const common = new Map([
    [`${PREFIX}instance_id`, id],
    [`${PREFIX}instance_status`, textOf(server["status"], "status")],
    [`${PREFIX}instance_name`, textOf(server["name"], "name")],
    [`${PREFIX}project_id`, textOf(server["tenant_id"], "tenant_id")],
    [`${PREFIX}user_id`, textOf(server["user_id"], "user_id")],
    [`${PREFIX}instance_flavor`, flavorName as string],
  ]);
  // A machine that runs from a volume has an empty text for an image.
  const image = server["image"] === "" ? undefined : objectOf(server["image"], "image")["id"];
  if (typeof image === "string") common.set(`${PREFIX}instance_image`, image);
  for (const [key, value] of textPairsOf(server["metadata"], "metadata")) {
    common.set(`${PREFIX}tag_${sanitizeLabelName(key)}`, value);
  }
  const targets: Map<string, string>[] = [];
  for (const [pool, addresses] of Object.entries(pools)) {
    for (const address of addressesOf(addresses, logger)) {
      if (floating.all.has(address)) continue;
      const target = new Map([
        ["__address__", joinHostPort(address, port)],
        ...common,
        [`${PREFIX}address_pool`, pool],
        [`${PREFIX}private_ip`, address],
      ]);
      const publicIp = floating.byFixed.get(`${id}/${address}`);
      if (publicIp !== undefined) target.set(`${PREFIX}public_ip`, publicIp);
      targets.push(target);
    }
  }
  return targets;
}

/** Addresses of a pool; what is none is said and passed over, as in the reference. */
function addressesOf(addresses: unknown, logger: Logger): string[] {
  if (!Array.isArray(addresses)) {
    logger.warn("Invalid type for address, expected array");
    return [];
  }
  return addresses.flatMap((item: unknown) => {
    const address = typeof item === "object" && item !== null ? (item as JsonObject)["addr"] : undefined;
    if (typeof address === "string") return [address];
    logger.warn("Invalid type for address, expected string");
    return [];
  });
}
