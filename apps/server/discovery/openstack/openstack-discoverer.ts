// Targets that an OpenStack cloud runs: machines, the hosts below them, or load balancers that serve metrics.
import { integerOf, type JsonObject, type Logger, objectsOf, textOf, textsOf } from "@narthex/toolkit";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import { joinHostPort } from "../meta-label.ts";
import { RefreshDiscoverer } from "../refresh-discoverer.ts";
import { floatingIps, instanceTargets } from "./instance-targets.ts";
import { OpenstackApi, type OpenstackLists } from "./openstack-api.ts";
import type { OpenstackDiscoveryBody } from "./openstack-body.ts";

const PREFIX = "__meta_openstack_";
/** Listeners of this protocol are what makes a load balancer a target. */
const METRICS_PROTOCOL = "PROMETHEUS";

type Targets = ReadonlyMap<string, string>[];

/** Asks the cloud at every interval. Throws when nothing says who asks. */
export function openstackDiscoverer(
  body: OpenstackDiscoveryBody,
  context: DiscovererContext,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Discoverer {
  const { region, role, refreshIntervalMs } = body;
  const api = new OpenstackApi(body, environment);
  const logger = context.logger.with({ discovery: "openstack", config: context.setName });
  const find = { instance: instances, hypervisor: hypervisors, loadbalancer: loadBalancers }[role];
  const refresh = async (signal: AbortSignal) => {
    const targets = await find(await api.session(signal), body, logger);
    return [{ source: `OS_${region}`, labels: new Map<string, string>(), targets }];
  };
  return new RefreshDiscoverer("openstack", refreshIntervalMs, context, refresh, () => api.close());
}

async function instances(
  lists: OpenstackLists,
  { allTenants, port }: OpenstackDiscoveryBody,
  logger: Logger,
): Promise<Targets> {
  const ports = await lists.list("network", "ports", "ports");
  const floating = floatingIps(ports, await lists.list("network", "floatingips", "floatingips"), logger);
  const params = allTenants ? { all_tenants: "true" } : {};
  const servers = await lists.list("compute", "servers/detail", "servers", params);
  return instanceTargets(servers, floating, port, logger);
}

async function hypervisors(lists: OpenstackLists, { port }: OpenstackDiscoveryBody): Promise<Targets> {
  return (await lists.list("compute", "os-hypervisors/detail", "hypervisors")).map((hypervisor) => {
    const text = (name: string) => textOf(hypervisor[name], name);
    const hostIp = text("host_ip");
    const { id } = hypervisor;
    return new Map([
      ["__address__", joinHostPort(hostIp, port)],
      // A number in older versions of the API, a text in newer ones.
      [`${PREFIX}hypervisor_id`, typeof id === "number" ? String(id) : textOf(id, "hypervisor id")],
      [`${PREFIX}hypervisor_hostname`, text("hypervisor_hostname")],
      [`${PREFIX}hypervisor_host_ip`, hostIp],
      [`${PREFIX}hypervisor_status`, text("status")],
      [`${PREFIX}hypervisor_state`, text("state")],
      [`${PREFIX}hypervisor_type`, text("hypervisor_type")],
    ]);
  });
}

async function loadBalancers(lists: OpenstackLists): Promise<Targets> {
  const balancers = await lists.list("load-balancer", "lbaas/loadbalancers", "loadbalancers");
  const ports = metricsPorts(await lists.list("load-balancer", "lbaas/listeners", "listeners"));
  const floating = new Map(
    (await lists.list("network", "floatingips", "floatingips")).map((ip) => [
      textOf(ip["port_id"], "port_id"),
      textOf(ip["floating_ip_address"], "floating_ip_address"),
    ]),
  );
  floating.delete("");
  const targets: Targets = [];
  for (const balancer of balancers) {
    const text = (name: string) => textOf(balancer[name], name);
    const port = ports.get(text("id"));
    if (port === undefined) continue;
    const labels = new Map([["__address__", joinHostPort(text("vip_address"), port)]]);
    for (const name of ["id", "name", "operating_status", "provisioning_status", "availability_zone", "provider"]) {
      labels.set(`${PREFIX}loadbalancer_${name}`, text(name));
    }
    labels.set(`${PREFIX}loadbalancer_vip`, text("vip_address"));
    labels.set(`${PREFIX}project_id`, text("project_id"));
    const tags = textsOf(balancer["tags"], "tags");
    if (tags.length > 0) labels.set(`${PREFIX}loadbalancer_tags`, tags.join());
    const floatingIp = floating.get(text("vip_port_id"));
    if (floatingIp !== undefined) labels.set(`${PREFIX}loadbalancer_floating_ip`, floatingIp);
    targets.push(labels);
  }
  return targets;
}

/** The port of the first listener that serves metrics, by load balancer. */
function metricsPorts(listeners: readonly JsonObject[]): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  for (const listener of listeners) {
    if (textOf(listener["protocol"], "protocol") !== METRICS_PROTOCOL) continue;
    for (const balancer of objectsOf(listener["loadbalancers"], "listener loadbalancers")) {
      const id = textOf(balancer["id"], "loadbalancer id");
      if (!ports.has(id)) ports.set(id, integerOf(listener["protocol_port"], "protocol_port"));
    }
  }
  return ports;
}
