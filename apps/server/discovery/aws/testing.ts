// A few machines of EC2, as its API shows them: every rule of the mechanism has one here.
import type { FakeAnswer, FakeRequest } from "../testing.ts";

const tag = (key: string, value: string) => `<item><key>${key}</key><value>${value}</value></item>`;

const RESERVATIONS = [
  `<item><ownerId>owner-1</ownerId><instancesSet>
    <item>
      <instanceId>i-full</instanceId><imageId>ami-1</imageId>
      <instanceState><code>16</code><name>running</name></instanceState>
      <privateDnsName>private.example</privateDnsName><dnsName>public.example</dnsName>
      <instanceType>t3.micro</instanceType><platform>windows</platform>
      <placement><availabilityZone>eu-test-1a</availabilityZone></placement>
      <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
      <privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>42.42.42.2</ipAddress>
      <architecture>x86_64</architecture><instanceLifecycle>spot</instanceLifecycle>
      <tagSet>${tag("Name", "a &amp; b")}${tag("some key", "v")}${tag("empty", "")}</tagSet>
      <networkInterfaceSet>
        <item><subnetId>subnet-2</subnetId><attachment><deviceIndex>1</deviceIndex></attachment>
          <ipv6AddressesSet>
            <item><ipv6Address>2001:db8::1</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item>
            <item><ipv6Address>2001:db8::2</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item>
          </ipv6AddressesSet></item>
        <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>0</deviceIndex></attachment></item>
        <item><subnetId>subnet-2</subnetId><attachment><deviceIndex>2</deviceIndex></attachment></item>
        <item><attachment><deviceIndex>3</deviceIndex></attachment></item>
      </networkInterfaceSet>
    </item>
    <item>
      <instanceId>i-no-address</instanceId><imageId>ami-1</imageId>
      <instanceState><name>terminated</name></instanceState><instanceType>t3.micro</instanceType>
      <placement><availabilityZone>eu-test-1a</availabilityZone></placement>
    </item>
  </instancesSet></item>`,
  `<item><ownerId>owner-2</ownerId><instancesSet>
    <item>
      <instanceId>i-classic</instanceId><imageId>ami-2</imageId>
      <instanceState><name>stopped</name></instanceState><privateDnsName/><dnsName/>
      <instanceType>m1</instanceType><placement><availabilityZone>eu-test-1b</availabilityZone></placement>
      <privateIpAddress>10.0.0.2</privateIpAddress>
    </item>
    <item>
      <instanceId>i-six</instanceId><imageId>ami-2</imageId>
      <instanceState><name>running</name></instanceState><instanceType>m1</instanceType>
      <placement><availabilityZone>eu-test-1c</availabilityZone></placement>
      <subnetId>subnet-6</subnetId><vpcId>vpc-1</vpcId>
      <networkInterfaceSet>
        <item><subnetId>subnet-6</subnetId><attachment><deviceIndex>0</deviceIndex></attachment>
          <ipv6AddressesSet>
            <item><ipv6Address>2001:db8::6</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item>
          </ipv6AddressesSet></item>
      </networkInterfaceSet>
    </item>
  </instancesSet></item>`,
];

const ZONES = ["a", "b"]
  .map((zone) => `<item><zoneName>eu-test-1${zone}</zoneName><zoneId>eut1-az${zone}</zoneId></item>`)
  .join("");

/** What EC2 answers: the reservations on two pages. */
export function ec2Answer({ body }: FakeRequest): FakeAnswer {
  const form = new URLSearchParams(body);
  const headers = { "content-type": "text/xml;charset=UTF-8" };
  if (form.get("Action") === "DescribeAvailabilityZones") {
    const text = `<DescribeAvailabilityZonesResponse><availabilityZoneInfo>${ZONES}</availabilityZoneInfo></DescribeAvailabilityZonesResponse>`;
    return { headers, body: text };
  }
  const isFirst = form.get("NextToken") === null;
  const next = isFirst ? "<nextToken>page-2</nextToken>" : "";
  const set = `<reservationSet>${RESERVATIONS[isFirst ? 0 : 1]}</reservationSet>`;
  return { headers, body: `<DescribeInstancesResponse>${set}${next}</DescribeInstancesResponse>` };
}
