// A machine of Azure, from whichever of two lists it comes, and its labels. Source: Azure REST API reference,
// `VirtualMachine`, `VirtualMachineScaleSetVM`, `NetworkInterface`.
import {
  type JsonObject,
  objectOf,
  objectsOf,
  optionalFlagOf,
  optionalObjectOf,
  optionalTextOf,
  textOf,
  textPairsOf,
} from "@narthex/toolkit";
import { joinHostPort, sanitizeLabelName } from "../meta-label.ts";

const PREFIX = "__meta_azure_";

/** A machine, and where to ask for its addresses. */
export interface Machine {
  readonly name: string;
  /** "" for a machine that belongs to none. */
  readonly scaleSet: string;
  /** Within the scale set. */
  readonly instanceId: string;
  /** Ids of network interfaces. */
  readonly interfaces: readonly string[];
  /** All labels but those of addresses. */
  readonly labels: ReadonlyMap<string, string>;
}

/** Reads a machine; `common` are labels of all machines. Throws a `ShapeError`, and for an id that is none. */
export function readMachine(
  machine: JsonObject,
  scaleSet: string,
  common: readonly (readonly [string, string])[],
): Machine {
  const text = (name: string) => textOf(machine[name], name);
  const properties = objectOf(machine["properties"], "properties");
  const part = (name: string) => objectOf(properties[name], name);
  const disk = objectOf(part("storageProfile")["osDisk"], "osDisk");
  const labels = new Map([
    ...common,
    [`${PREFIX}machine_id`, text("id")],
    [`${PREFIX}machine_name`, text("name")],
    [`${PREFIX}machine_computer_name`, textOf(part("osProfile")["computerName"], "computerName")],
    [`${PREFIX}machine_os_type`, textOf(disk["osType"], "osType")],
    [`${PREFIX}machine_location`, text("location")],
    [`${PREFIX}machine_resource_group`, resourceOf(text("id")).resourceGroup],
    [`${PREFIX}machine_size`, textOf(part("hardwareProfile")["vmSize"], "vmSize")],
  ] as const);
  if (scaleSet !== "") labels.set(`${PREFIX}machine_scale_set`, scaleSet);
  for (const [key, value] of textPairsOf(machine["tags"], "tags")) {
    labels.set(`${PREFIX}machine_tag_${sanitizeLabelName(key)}`, value);
  }
  const interfaces = objectsOf(part("networkProfile")["networkInterfaces"], "networkInterfaces");
  return {
    name: text("name"),
    scaleSet,
    instanceId: text("instanceId"),
    interfaces: interfaces.map((each) => textOf(each["id"], "network interface id")),
    labels,
  };
}

/** What a network interface says of a machine's addresses. */
export type InterfaceAddresses =
  /** The machine is not running: such interfaces do not say whether they are the primary one. */
  | { readonly kind: "deallocated" }
  | { readonly kind: "secondary" }
  | { readonly kind: "primary"; readonly privateIp: string; readonly publicIp: string | undefined };

/** Reads a network interface. Throws for a primary one without a private address. */
export function readInterface(value: JsonObject, machine: string): InterfaceAddresses {
  const properties = optionalObjectOf(value["properties"], "interface properties");
  if (properties === undefined) return { kind: "secondary" };
  const isPrimary = optionalFlagOf(properties["primary"], "primary");
  if (isPrimary === undefined) return { kind: "deallocated" };
  const [first] = objectsOf(properties["ipConfigurations"], "ipConfigurations");
  if (!isPrimary || first === undefined) return { kind: "secondary" };
  const configuration = objectOf(first["properties"], "ipConfiguration properties");
  const address = objectOf(configuration["publicIPAddress"], "publicIPAddress");
  const publicIp = optionalTextOf(
    objectOf(address["properties"], "publicIPAddress properties")["ipAddress"],
    "ipAddress",
  );
  const privateIp = optionalTextOf(configuration["privateIPAddress"], "privateIPAddress");
  if (privateIp === undefined) throw new Error(`unable to find a private IP for VM ${machine}`);
  return { kind: "primary", privateIp, publicIp };
}

/** The machine as target. */
export function machineTarget(
  { labels }: Machine,
  { privateIp, publicIp }: { readonly privateIp: string; readonly publicIp: string | undefined },
  port: number,
): ReadonlyMap<string, string> {
  const target = new Map([...labels, [`${PREFIX}machine_private_ip`, privateIp]]);
  if (publicIp !== undefined) target.set(`${PREFIX}machine_public_ip`, publicIp);
  return target.set("__address__", joinHostPort(privateIp, port));
}

/** Labels of all machines of a subscription. */
export function subscriptionLabels(subscriptionId: string, tenantId: string): readonly (readonly [string, string])[] {
  return [
    [`${PREFIX}subscription_id`, subscriptionId],
    [`${PREFIX}tenant_id`, tenantId],
  ];
}

/** Group and name in a resource's id: `/subscriptions/S/resourceGroups/G/providers/P/type/NAME`. Throws for others. */
export function resourceOf(id: string): { readonly resourceGroup: string; readonly name: string } {
  const parts = id.split("/");
  const at = parts.findIndex((part) => part.toLowerCase() === "resourcegroups");
  const resourceGroup = at < 0 ? "" : (parts[at + 1] ?? "");
  const name = parts.at(-1) ?? "";
  if (resourceGroup === "" || name === "" || parts.length < at + 6) throw new Error(`invalid ID '${id.slice(0, 200)}'`);
  return { resourceGroup, name };
}
