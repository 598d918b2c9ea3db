import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ownHeaders, PLAIN_HTTP } from "@narthex/toolkit";
import { until } from "../../scrape/testing.ts";
import { Rig, whenDone } from "../testing.ts";
import { clusterAccess } from "./cluster-access.ts";
import type { KubernetesDiscoveryBody } from "./kubernetes-body.ts";
import { KubernetesDiscoverer } from "./kubernetes-discoverer.ts";
import { WATCH_TIMING } from "./object-watch.ts";
import { smallCluster } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-kubernetes-"));
whenDone(() => rmSync(folder, { recursive: true }));

const BODY: KubernetesDiscoveryBody = {
  apiServer: undefined,
  role: "pod",
  kubeconfigFile: "",
  http: PLAIN_HTTP,
  namespaces: { ownNamespace: true, names: [] },
  selectors: [],
  attachMetadata: { node: false, namespace: false, deployment: false, job: false, cronjob: false },
};

function kubeconfig(text: string) {
  const kubeconfigFile = join(folder, "config");
  writeFileSync(kubeconfigFile, text);
  return clusterAccess({ ...BODY, kubeconfigFile });
}

test("in a cluster: address from the environment; token and namespace from files, the token for each request anew", () => {
  const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  const surroundings = { environment, serviceAccountFolder: folder };
  assert.throws(() => clusterAccess(BODY, { ...surroundings, environment: {} }), /KUBERNETES_SERVICE_HOST/);
  assert.throws(() => clusterAccess(BODY, surroundings), /ENOENT/);
  writeFileSync(join(folder, "token"), "first\n");
  assert.throws(() => clusterAccess(BODY, surroundings), /could not determine the pod's namespace/);
  writeFileSync(join(folder, "namespace"), "mine\n");
  const { base, http, ownNamespace } = clusterAccess(BODY, surroundings);
  assert.deepEqual([base, ownNamespace, http.tls.caFile], ["https://[fd00::1]:443", "mine", join(folder, "ca.crt")]);
  assert.equal(ownHeaders(http)["Authorization"], "Bearer first");
  writeFileSync(join(folder, "token"), "second");
  assert.equal(ownHeaders(http)["Authorization"], "Bearer second");
});

test("in a cluster: over TLS by the cluster's own authority, with whatever the token file holds at the moment", async () => {
  const pem = (name: string) => readFileSync(new URL(`../../../scrape/testdata/${name}`, import.meta.url));
  const place = mkdtempSync(join(tmpdir(), "narthex-in-cluster-"));
  whenDone(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, "ca.crt"), pem("cert.pem"));
  writeFileSync(join(place, "token"), "first");
  writeFileSync(join(place, "namespace"), "shop");
  const seen: string[] = [];
  const cluster = smallCluster();
  cluster.endsWatches = true;
  const server = createServer({ key: pem("key.pem"), cert: pem("cert.pem") }, (request, response) => {
    const { pathname: path, searchParams: params } = new URL(request.url ?? "", "https://x");
    seen.push(`${path} ${request.headers.authorization}`);
    const { status = 200, body = "" } = cluster.answer({ method: "GET", path, params, headers: {}, body: "" });
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenDone(() => server.close());
  const { port } = server.address() as AddressInfo;
  const environment = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) };
  const surroundings = { environment, serviceAccountFolder: place };
  const rig = new Rig((context) => new KubernetesDiscoverer(BODY, context, WATCH_TIMING, surroundings));
  await until(() => rig.groups.size === 2, `targets ${rig.lines.join("")}`);
  assert.equal(seen[0], "/api/v1/namespaces/shop/pods Bearer first");
  writeFileSync(join(place, "token"), "second");
  await until(() => {
    rig.clock.pass(1000);
    return seen.at(-1) === "/api/v1/namespaces/shop/pods Bearer second";
  }, "the new token");
  rig.discoverer.stop();
});

test("kubeconfig: cluster and user of the current context, files beside it, data before files", () => {
  const { base, http } = kubeconfig(`
apiVersion: v1
kind: Config
current-context: two
contexts:
- {name: one, context: {cluster: x, user: y}}
- {name: two, context: {cluster: c, user: u, namespace: n}}
clusters:
- name: c
  cluster:
    server: https://api.example.org:6443/path/
    certificate-authority: ca.pem
    tls-server-name: api
    proxy-url: http://user:pass@proxy:3128
users:
- name: u
  user:
    client-certificate-data: ${Buffer.from("CERT").toString("base64")}
    client-key: /keys/key.pem
    token: s3cret
    as: somebody
    as-groups: [a, b]
`);
  assert.equal(base, "https://api.example.org:6443/path");
  const { tls, proxy } = http;
  assert.deepEqual(
    [tls.caFile, tls.cert, tls.certFile, tls.keyFile, tls.serverName, tls.insecureSkipVerify],
    [join(folder, "ca.pem"), "CERT", "", "/keys/key.pem", "api", false],
  );
  assert.equal(proxy.proxyUrl?.reveal(), "http://user:pass@proxy:3128");
  const headers = { ...ownHeaders(http) };
  assert.equal(headers["Authorization"], "Bearer s3cret");
  assert.deepEqual(headers["Impersonate-User"], ["somebody"]);
  assert.deepEqual(headers["Impersonate-Group"], ["a", "b"]);
  assert.doesNotMatch(JSON.stringify(http), /s3cret/);
});

test("kubeconfig: what is missing or not supported is said in one sentence", () => {
  const user = (text: string) => `
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "http://h"}}]
users: [{name: u, user: ${text}}]
`;
  assert.throws(
    () => kubeconfig(user("{exec: {command: aws}}")),
    /user "u" gets credentials by exec, which is not supported/,
  );
  assert.throws(() => kubeconfig(user("{auth-provider: {name: gcp}}")), /by auth-provider, which is not supported/);
  assert.throws(() => kubeconfig("current-context: nowhere"), /context "nowhere" does not exist/);
  assert.throws(() => kubeconfig("[]"), /unexpected list in kubeconfig/);
  assert.throws(() => kubeconfig("contexts: {a: b}"), /unexpected object in contexts/);
  assert.throws(() => clusterAccess({ ...BODY, kubeconfigFile: join(folder, "none") }), /ENOENT/);
  const basic = kubeconfig(user("{username: a, password: b}"));
  assert.equal(ownHeaders(basic.http)["Authorization"], "Basic YTpi");
});
