// A few machines of Azure, as the resource manager shows them, and the token endpoint that goes before.
import type { FakeAnswer, FakeRequest } from "../testing.ts";

const GROUP = "/subscriptions/sub/resourceGroups/Group";
const nicId = (name: string) => `${GROUP}/providers/Microsoft.Network/networkInterfaces/${name}`;

function machine(name: string, interfaces: readonly string[], more: object = {}): object {
  return {
    id: `${GROUP}/providers/Microsoft.Compute/virtualMachines/${name}`,
    name,
    type: "Microsoft.Compute/virtualMachines",
    location: "westeurope",
    properties: {
      hardwareProfile: { vmSize: "Standard_B1s" },
      storageProfile: { osDisk: { osType: "Linux" } },
      osProfile: { computerName: `${name}-host` },
      networkProfile: { networkInterfaces: interfaces.map((each) => ({ id: nicId(each) })) },
    },
    ...more,
  };
}

const MACHINES = [
  machine("web", ["second", "first"], { tags: { "team name": "a", empty: "" } }),
  machine("asleep", ["deallocated"]),
  machine("gone", ["missing"]),
  machine("bare", []),
];
const SET_MACHINE = machine("set_0", ["of-set"], {
  id: `${GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/0`,
  instanceId: "0",
});

function nic(primary: boolean | undefined, privateIp: string, publicIp?: string): object {
  const address = publicIp === undefined ? {} : { publicIPAddress: { properties: { ipAddress: publicIp } } };
  const ipConfigurations = [{ properties: { privateIPAddress: privateIp, ...address } }];
  return { properties: { ...(primary === undefined ? {} : { primary }), ipConfigurations } };
}

const INTERFACES: Readonly<Record<string, object>> = {
  first: nic(true, "10.0.0.1", "4.4.4.1"),
  second: nic(false, "10.9.0.1"),
  deallocated: nic(undefined, "10.0.0.2"),
  "of-set": nic(true, "fd00::3"),
};

/** What Azure at `url` answers: tokens, machines on two pages. `isEmpty` leaves out all machines. */
export function azureAnswer({ path, params, headers }: FakeRequest, isEmpty = false): FakeAnswer {
  if (path.endsWith("/oauth2/v2.0/token")) return { body: { access_token: "t0ken", expires_in: 3600 } };
  if (headers.authorization !== "Bearer t0ken" || params.get("api-version") === null) return { status: 401, body: {} };
  if (path.includes("/networkInterfaces/")) {
    const found = INTERFACES[path.slice(path.lastIndexOf("/") + 1)];
    const isExpanded = params.get("$expand") === "IPConfigurations/PublicIPAddress";
    return found === undefined || !isExpanded ? { status: 404, body: {} } : { body: found };
  }
  if (isEmpty) return { body: { value: [] } };
  if (path.endsWith("/virtualMachineScaleSets")) {
    const id = `${GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/set`;
    return { body: { value: [{ id, name: "set", location: "x", type: "y" }] } };
  }
  if (path.endsWith("/virtualMachineScaleSets/set/virtualMachines")) return { body: { value: [SET_MACHINE] } };
  if (!path.endsWith("/providers/Microsoft.Compute/virtualMachines")) return { status: 404, body: {} };
  if (params.get("page") === "2") return { body: { value: MACHINES.slice(2) } };
  return {
    body: { value: MACHINES.slice(0, 2), nextLink: `http://${headers.host}${path}?api-version=x&page=2` },
  };
}
