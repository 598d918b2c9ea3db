// An EC2 machine as target.
import { type XmlElement, xmlList, xmlText } from "@narthex/toolkit";
import { joinedList, joinHostPort, sanitizeLabelName } from "../meta-label.ts";

const PREFIX = "__meta_ec2_";
const SEPARATOR = ",";
/** More network interfaces than any machine has: the index comes from outside, and a list is filled up to it. */
const MAX_DEVICE_INDEX = 1000;

/** What is known beside the machine itself. */
export interface Ec2Surroundings {
  readonly region: string;
  readonly ownerId: string | undefined;
  readonly zoneIds: ReadonlyMap<string, string>;
  readonly port: number;
}

/** The labels of a machine; undefined for one without a private and without an IPv6 address. */
export function ec2Target(instance: XmlElement, around: Ec2Surroundings): Map<string, string> | undefined {
  const text = (...path: string[]) => xmlText(instance, ...path);
  const privateIp = text("privateIpAddress");
  const vpcId = text("vpcId");
  const { primary, all } = vpcId === undefined ? { primary: [], all: [] } : ipv6Addresses(instance);
  const defaultIpv6 = [...primary, ...all].find((address) => address !== "");
  const address = privateIp ?? defaultIpv6;
  if (address === undefined) return undefined;
  const labels = new Map([["__address__", joinHostPort(address, around.port)]]);
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) labels.set(PREFIX + name, value);
  };
  add("instance_id", text("instanceId"));
  add("region", around.region);
  add("owner_id", around.ownerId);
  add("default_ipv6_address", defaultIpv6);
  add("private_ip", privateIp);
  add("private_dns_name", text("privateDnsName"));
  add("platform", text("platform"));
  const publicIp = text("ipAddress");
  add("public_ip", publicIp);
  if (publicIp !== undefined) add("public_dns_name", text("dnsName"));
  if (primary.length > 0) add("primary_ipv6_addresses", joinedList(primary, SEPARATOR));
  if (all.length > 0) add("ipv6_addresses", joinedList(all, SEPARATOR));
  add("ami", text("imageId"));
  const zone = text("placement", "availabilityZone") ?? "";
  add("availability_zone", zone);
  add("availability_zone_id", around.zoneIds.get(zone) ?? "");
  add("instance_state", text("instanceState", "name"));
  add("instance_type", text("instanceType"));
  add("instance_lifecycle", text("instanceLifecycle"));
  add("architecture", text("architecture"));
  if (vpcId !== undefined) {
    add("vpc_id", vpcId);
    add("primary_subnet_id", text("subnetId"));
    const subnets = new Set(interfaces(instance).map((each) => xmlText(each, "subnetId") as string));
    add("subnet_id", joinedList([...subnets], SEPARATOR));
  }
  for (const tag of xmlList(instance, "item", "tagSet")) {
    const key = xmlText(tag, "key");
    if (key !== undefined) add(`tag_${sanitizeLabelName(key)}`, xmlText(tag, "value"));
  }
  return labels;
}

/** Network interfaces in a subnet. */
function interfaces(instance: XmlElement): readonly XmlElement[] {
  return xmlList(instance, "item", "networkInterfaceSet").filter((each) => xmlText(each, "subnetId") !== undefined);
}

/** Primary addresses at the index of their device, with "" for devices without one; and all addresses. */
function ipv6Addresses(instance: XmlElement): { primary: string[]; all: string[] } {
  const primary: string[] = [];
  const all: string[] = [];
  for (const each of interfaces(instance)) {
    for (const item of xmlList(each, "item", "ipv6AddressesSet")) {
      const address = xmlText(item, "ipv6Address") ?? "";
      all.push(address);
      if (xmlText(item, "isPrimaryIpv6") !== "true") continue;
      const index = Number(xmlText(each, "attachment", "deviceIndex") ?? 0);
      if (!Number.isInteger(index) || index < 0 || index > MAX_DEVICE_INDEX) continue;
      while (primary.length <= index) primary.push("");
      primary[index] = address;
    }
  }
  return { primary, all };
}
