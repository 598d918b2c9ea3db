// A few machines of Compute Engine, as its API shows them, and the token endpoint that goes before.
import type { FakeAnswer, FakeRequest } from "../testing.ts";

const zone = "https://www.googleapis.com/compute/v1/projects/p/zones/z";
const INSTANCES = [
  {
    id: "7684237852359826324",
    name: "web",
    status: "RUNNING",
    zone,
    machineType: `${zone}/machineTypes/e2-small`,
    networkInterfaces: [
      {
        name: "nic0",
        network: "global/networks/default",
        subnetwork: "regions/r/subnetworks/default",
        networkIP: "10.0.0.1",
        accessConfigs: [{ type: "ONE_TO_ONE_NAT", natIP: "4.4.4.1" }],
      },
      { name: "nic-1", networkIP: "10.9.0.1" },
    ],
    tags: { items: ["http", "https"], fingerprint: "x" },
    metadata: { items: [{ key: "ssh-keys", value: "k" }, { key: "novalue" }, { key: "empty", value: "" }] },
    labels: { "app-name": "web" },
  },
  { id: "2", name: "netless", status: "TERMINATED", zone, machineType: "m" },
  {
    id: "3",
    name: "plain",
    status: "STOPPING",
    zone,
    machineType: "m",
    networkInterfaces: [{ name: "nic0", networkIP: "10.0.0.3", accessConfigs: [{ type: "DIRECT_IPV6" }] }],
    tags: { fingerprint: "x" },
  },
];

/** What Google answers: tokens, and machines on two pages. */
export function gceAnswer({ path, headers, params }: FakeRequest): FakeAnswer {
  if (path === "/token" || path.startsWith("/computeMetadata/")) {
    return { body: { access_token: "t0ken", expires_in: 3600, token_type: "Bearer" } };
  }
  if (headers.authorization !== "Bearer t0ken") return { status: 401, body: { error: { message: "no" } } };
  if (params.get("pageToken") === "2") return { body: { items: INSTANCES.slice(2) } };
  return { body: { kind: "compute#instanceList", items: INSTANCES.slice(0, 2), nextPageToken: "2" } };
}
