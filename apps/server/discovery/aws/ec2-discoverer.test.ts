import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml, Secret } from "@narthex/toolkit";
import { scrapeConfig, until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import { FakeApi, Rig } from "../testing.ts";
import type { Ec2DiscoveryBody } from "./ec2-body.ts";
import { awsDiscoverer, ec2Discoverer } from "./ec2-discoverer.ts";
import { ec2Target } from "./ec2-target.ts";
import { ec2Answer } from "./testing.ts";

function body(endpoint: string, more: Partial<Ec2DiscoveryBody> = {}): Ec2DiscoveryBody {
  return {
    endpoint,
    region: "eu-test-1",
    accessKey: "AKID",
    secretKey: new Secret("s3cret-key"),
    profile: "",
    roleArn: "",
    externalId: "",
    refreshIntervalMs: CONTRACT_TIMEOUT_MS,
    port: 9100,
    filters: [],
    http: scrapeConfig().http,
    ...more,
  };
}

testDiscoveryContract({
  name: "EC2 discovery",
  make: (url, context) => ec2Discoverer(body(url), context, {}),
  full: ec2Answer,
  empty: (request) =>
    request.body.includes("DescribeInstances")
      ? { body: "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>" }
      : ec2Answer(request),
  addresses: ["10.0.0.1:9100", "10.0.0.2:9100", "[2001:db8::6]:9100"],
  againMs: CONTRACT_TIMEOUT_MS,
  failures: 'prometheus_sd_refresh_failures_total{config="job",mechanism="ec2"}',
  secrets: ["s3cret-key"],
  nullIsEmpty: false,
});

test("EC2 discovery: all labels of a machine; requests are signed, filters and pages go along", async () => {
  const api = await FakeApi.start(ec2Answer);
  const filters = [
    { name: "tag:a", values: ["x", "y"] },
    { name: "instance-state-name", values: ["running"] },
  ];
  const rig = new Rig((context) => ec2Discoverer(body(api.url, { filters }), context, {}));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual([...rig.groups.keys()], ["eu-test-1"]);
  assert.deepEqual(rig.targets[0], {
    __address__: "10.0.0.1:9100",
    __meta_ec2_ami: "ami-1",
    __meta_ec2_architecture: "x86_64",
    __meta_ec2_availability_zone: "eu-test-1a",
    __meta_ec2_availability_zone_id: "eut1-aza",
    __meta_ec2_default_ipv6_address: "2001:db8::2",
    __meta_ec2_instance_id: "i-full",
    __meta_ec2_instance_lifecycle: "spot",
    __meta_ec2_instance_state: "running",
    __meta_ec2_instance_type: "t3.micro",
    __meta_ec2_ipv6_addresses: ",2001:db8::1,2001:db8::2,",
    __meta_ec2_owner_id: "owner-1",
    __meta_ec2_platform: "windows",
    __meta_ec2_primary_ipv6_addresses: ",,2001:db8::2,",
    __meta_ec2_primary_subnet_id: "subnet-1",
    __meta_ec2_private_dns_name: "private.example",
    __meta_ec2_private_ip: "10.0.0.1",
    __meta_ec2_public_dns_name: "public.example",
    __meta_ec2_public_ip: "42.42.42.2",
    __meta_ec2_region: "eu-test-1",
    __meta_ec2_subnet_id: ",subnet-2,subnet-1,",
    __meta_ec2_tag_Name: "a & b",
    __meta_ec2_tag_empty: "",
    __meta_ec2_tag_some_key: "v",
    __meta_ec2_vpc_id: "vpc-1",
  });
  const forms = api.requests.map((request) => Object.fromEntries(new URLSearchParams(request.body)));
  assert.deepEqual(
    forms.map((form) => [form["Action"], form["NextToken"]]),
    [
      ["DescribeAvailabilityZones", undefined],
      ["DescribeInstances", undefined],
      ["DescribeInstances", "page-2"],
    ],
  );
  assert.equal(forms[1]?.["Filter.1.Name"], "tag:a");
  assert.equal(forms[1]?.["Filter.1.Value.2"], "y");
  assert.equal(forms[1]?.["Filter.2.Value.1"], "running");
  assert.match(
    String(api.requests[0]?.headers.authorization),
    /Credential=AKID\/20231114\/eu-test-1\/ec2\/aws4_request/,
  );
});

test("EC2 discovery: without the right to see zones it warns once, and finds machines all the same", async () => {
  const api = await FakeApi.start((request) =>
    request.body.includes("DescribeAvailabilityZones")
      ? {
          status: 403,
          body: "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>",
        }
      : ec2Answer(request),
  );
  const rig = new Rig((context) => ec2Discoverer(body(api.url), context, {}));
  await until(() => rig.emitted.length === 1, "targets");
  await rig.next(CONTRACT_TIMEOUT_MS);
  assert.equal(rig.targets[0]?.["__meta_ec2_availability_zone_id"], "");
  const warnings = rig.lines.filter((line) => line.includes("level=WARN"));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /UnauthorizedOperation: no/);
});

test("EC2 discovery: a page that comes again and again is refused", async () => {
  const api = await FakeApi.start(() => ({
    body: "<DescribeInstancesResponse><nextToken>x</nextToken></DescribeInstancesResponse>",
  }));
  const rig = new Rig((context) => ec2Discoverer(body(api.url), context, {}));
  await until(() => rig.errors.length === 1, "the refusal");
  assert.match(rig.errors[0] as string, /could not describe instances: the list of reservations has no end/);
});

test("EC2 machine: device indices from outside fill no memory", () => {
  const item = (
    index: string,
  ) => `<item><subnetId>s</subnetId><attachment><deviceIndex>${index}</deviceIndex></attachment>
    <ipv6AddressesSet><item><ipv6Address>::1</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item></ipv6AddressesSet></item>`;
  const set = ["2000000000", "-1", "x", "1e3", ""].map(item).join("");
  const instance = parseXml(`<item><vpcId>v</vpcId><networkInterfaceSet>${set}</networkInterfaceSet></item>`);
  const target = ec2Target(instance, { region: "r", ownerId: undefined, zoneIds: new Map(), port: 1 });
  assert.ok((target?.get("__meta_ec2_primary_ipv6_addresses") ?? "").length < 2000);
});

test("AWS discovery: the role ec2 is EC2 discovery, others are refused in one sentence", () => {
  assert.throws(
    () => new Rig((context) => awsDiscoverer({ ...body("http://127.0.0.1:1"), role: "msk" }, context)),
    /aws service discovery of role msk is not supported by this version/,
  );
});
