// What every role makes of the small cluster: labels as the reference's binary shows them for the same objects (see
// `discovery/reference.test.ts`), and those that its release does not have yet. `~` stands for `__meta_kubernetes_`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigUrl, PLAIN_HTTP } from "@narthex/toolkit";
import { until } from "../../scrape/testing.ts";
import { FakeApi, Rig } from "../testing.ts";
import type { KubernetesRole } from "./kubernetes-body.ts";
import { KubernetesDiscoverer } from "./kubernetes-discoverer.ts";
import { smallCluster } from "./testing.ts";

type Labels = Readonly<Record<string, string>>;

const SHOP = { "~namespace": "shop" };
const SHOP_ATTACHED = {
  "~namespace_annotation_note": "n",
  "~namespace_annotationpresent_note": "true",
  "~namespace_label_team_name": "a",
  "~namespace_labelpresent_team_name": "true",
};
const WEB_POD = {
  "~pod_annotation_prometheus_io_scrape": "true",
  "~pod_annotationpresent_prometheus_io_scrape": "true",
  "~pod_controller_kind": "ReplicaSet",
  "~pod_controller_name": "web-5d",
  "~pod_deployment_name": "web",
  "~pod_host_ip": "10.0.0.1",
  "~pod_ip": "10.1.0.1",
  "~pod_label_app": "web",
  "~pod_label_app_kubernetes_io_name": "web",
  "~pod_labelpresent_app": "true",
  "~pod_labelpresent_app_kubernetes_io_name": "true",
  "~pod_name": "web-1",
  "~pod_node_name": "n1",
  "~pod_phase": "Running",
  "~pod_ready": "true",
  "~pod_uid": "uid-1",
};
const NODE_1 = {
  "~node_annotation_a_b": "c",
  "~node_annotationpresent_a_b": "true",
  "~node_label_kubernetes_io_hostname": "n1",
  "~node_labelpresent_kubernetes_io_hostname": "true",
  "~node_name": "n1",
};
const WEB_SERVICE = {
  "~service_annotation_svc_note": "y",
  "~service_annotationpresent_svc_note": "true",
  "~service_label_svc_label": "x",
  "~service_labelpresent_svc_label": "true",
  "~service_name": "web",
};

const EXPECTED: readonly (readonly [
  role: KubernetesRole,
  source: string,
  labels: Labels,
  targets: readonly Labels[],
])[] = [
  [
    "pod",
    "pod/shop/web-1",
    { ...SHOP_ATTACHED, ...WEB_POD, ...NODE_1, ...SHOP },
    [
      {
        __address__: "10.1.0.1:8080",
        "~pod_container_id": "containerd://abc",
        "~pod_container_image": "app:1",
        "~pod_container_init": "false",
        "~pod_container_name": "app",
        "~pod_container_port_name": "http",
        "~pod_container_port_number": "8080",
        "~pod_container_port_protocol": "TCP",
      },
      {
        __address__: "10.1.0.1:6060",
        "~pod_container_id": "containerd://abc",
        "~pod_container_image": "app:1",
        "~pod_container_init": "false",
        "~pod_container_name": "app",
        "~pod_container_port_name": "debug",
        "~pod_container_port_number": "6060",
        "~pod_container_port_protocol": "TCP",
      },
      {
        __address__: "10.1.0.1",
        "~pod_container_id": "",
        "~pod_container_image": "sidecar:2",
        "~pod_container_init": "false",
        "~pod_container_name": "sidecar",
      },
      {
        __address__: "10.1.0.1:9",
        "~pod_container_id": "containerd://ini",
        "~pod_container_image": "init:3",
        "~pod_container_init": "true",
        "~pod_container_name": "prepare",
        "~pod_container_port_name": "",
        "~pod_container_port_number": "9",
        "~pod_container_port_protocol": "UDP",
      },
    ],
  ],
  [
    "node",
    "node/n1",
    {
      "~node_condition_memorypressure": "unknown",
      "~node_condition_ready": "true",
      "~node_provider_id": "aws:///i-1",
      ...NODE_1,
    },
    [
      {
        __address__: "10.0.0.1:10250",
        "~node_address_Hostname": "n1.host",
        "~node_address_InternalIP": "10.0.0.1",
        instance: "n1",
      },
    ],
  ],
  [
    "service",
    "svc/shop/web",
    { ...SHOP_ATTACHED, ...WEB_SERVICE, ...SHOP },
    [
      {
        __address__: "web.shop.svc:80",
        "~service_cluster_ip": "10.2.0.1",
        "~service_loadbalancer_ip": "1.2.3.4,1.2.3.5",
        "~service_port_name": "http",
        "~service_port_number": "80",
        "~service_port_protocol": "TCP",
        "~service_type": "LoadBalancer",
      },
      {
        __address__: "web.shop.svc:53",
        "~service_cluster_ip": "10.2.0.1",
        "~service_loadbalancer_ip": "1.2.3.4,1.2.3.5",
        "~service_port_name": "dns",
        "~service_port_number": "53",
        "~service_port_protocol": "UDP",
        "~service_type": "LoadBalancer",
      },
    ],
  ],
  [
    "ingress",
    "ingress/shop/front",
    {
      "~ingress_annotation_in_note": "j",
      "~ingress_annotationpresent_in_note": "true",
      "~ingress_class_name": "nginx",
      "~ingress_label_in_label": "i",
      "~ingress_labelpresent_in_label": "true",
      "~ingress_name": "front",
      ...SHOP_ATTACHED,
      ...SHOP,
    },
    [
      {
        __address__: "www.example.org",
        "~ingress_host": "www.example.org",
        "~ingress_path": "/",
        "~ingress_scheme": "https",
      },
      {
        __address__: "www.example.org",
        "~ingress_host": "www.example.org",
        "~ingress_path": "/api",
        "~ingress_scheme": "https",
      },
      {
        __address__: "www.example.org",
        "~ingress_host": "www.example.org",
        "~ingress_path": "/",
        "~ingress_scheme": "https",
      },
      {
        __address__: "plain.example.com",
        "~ingress_host": "plain.example.com",
        "~ingress_path": "/",
        "~ingress_scheme": "http",
      },
      {
        __address__: "*.wild.example.org",
        "~ingress_host": "*.wild.example.org",
        "~ingress_path": "/",
        "~ingress_scheme": "http",
      },
    ],
  ],
  [
    "endpoints",
    "endpoints/shop/web",
    {
      "~endpoints_annotation_ep_note": "f",
      "~endpoints_annotationpresent_ep_note": "true",
      "~endpoints_label_ep_label": "e",
      "~endpoints_labelpresent_ep_label": "true",
      "~endpoints_name": "web",
      ...SHOP_ATTACHED,
      ...WEB_SERVICE,
      ...SHOP,
    },
    [
      {
        __address__: "10.1.0.1:8080",
        "~endpoint_address_target_kind": "Pod",
        "~endpoint_address_target_name": "web-1",
        "~endpoint_hostname": "web-host",
        "~endpoint_node_name": "n1",
        "~endpoint_port_name": "http",
        "~endpoint_port_protocol": "TCP",
        "~endpoint_ready": "true",
        "~pod_container_image": "app:1",
        "~pod_container_init": "false",
        "~pod_container_name": "app",
        "~pod_container_port_name": "http",
        "~pod_container_port_number": "8080",
        "~pod_container_port_protocol": "TCP",
        ...WEB_POD,
        ...NODE_1,
      },
      {
        __address__: "10.0.0.2:8080",
        "~endpoint_address_target_kind": "Node",
        "~endpoint_address_target_name": "n2",
        "~endpoint_port_name": "http",
        "~endpoint_port_protocol": "TCP",
        "~endpoint_ready": "true",
        "~node_name": "n2",
      },
      {
        __address__: "[fd00::99]:8080",
        "~endpoint_port_name": "http",
        "~endpoint_port_protocol": "TCP",
        "~endpoint_ready": "false",
      },
      {
        __address__: "10.1.0.1:6060",
        "~pod_container_image": "app:1",
        "~pod_container_init": "false",
        "~pod_container_name": "app",
        "~pod_container_port_name": "debug",
        "~pod_container_port_number": "6060",
        "~pod_container_port_protocol": "TCP",
        ...WEB_POD,
      },
      {
        __address__: "10.1.0.1:9",
        "~pod_container_image": "init:3",
        "~pod_container_init": "true",
        "~pod_container_name": "prepare",
        "~pod_container_port_name": "",
        "~pod_container_port_number": "9",
        "~pod_container_port_protocol": "UDP",
        ...WEB_POD,
      },
    ],
  ],
  [
    "endpointslice",
    "endpointslice/shop/web-abc",
    {
      "~endpointslice_address_type": "IPv4",
      "~endpointslice_annotation_slice_note": "g",
      "~endpointslice_annotationpresent_slice_note": "true",
      "~endpointslice_label_kubernetes_io_service_name": "web",
      "~endpointslice_labelpresent_kubernetes_io_service_name": "true",
      "~endpointslice_name": "web-abc",
      ...SHOP_ATTACHED,
      ...WEB_SERVICE,
      ...SHOP,
    },
    [
      {
        __address__: "10.1.0.1:8080",
        "~endpointslice_address_target_kind": "Pod",
        "~endpointslice_address_target_name": "web-1",
        "~endpointslice_endpoint_conditions_ready": "true",
        "~endpointslice_endpoint_conditions_serving": "true",
        "~endpointslice_endpoint_conditions_terminating": "false",
        "~endpointslice_endpoint_hostname": "web-host",
        "~endpointslice_endpoint_node_name": "n1",
        "~endpointslice_endpoint_topology_present_topology_zone": "true",
        "~endpointslice_endpoint_topology_topology_zone": "t1",
        "~endpointslice_endpoint_zone": "z1",
        "~endpointslice_port": "8080",
        "~endpointslice_port_app_protocol": "h2c",
        "~endpointslice_port_name": "http",
        "~endpointslice_port_protocol": "TCP",
        "~pod_container_image": "app:1",
        "~pod_container_init": "false",
        "~pod_container_name": "app",
        "~pod_container_port_name": "http",
        "~pod_container_port_number": "8080",
        "~pod_container_port_protocol": "TCP",
        ...WEB_POD,
        ...NODE_1,
      },
      {
        __address__: "10.1.0.1",
        "~endpointslice_address_target_kind": "Pod",
        "~endpointslice_address_target_name": "web-1",
        "~endpointslice_endpoint_conditions_ready": "true",
        "~endpointslice_endpoint_conditions_serving": "true",
        "~endpointslice_endpoint_conditions_terminating": "false",
        "~endpointslice_endpoint_hostname": "web-host",
        "~endpointslice_endpoint_node_name": "n1",
        "~endpointslice_endpoint_topology_present_topology_zone": "true",
        "~endpointslice_endpoint_topology_topology_zone": "t1",
        "~endpointslice_endpoint_zone": "z1",
        "~endpointslice_port_name": "",
        "~endpointslice_port_protocol": "TCP",
        ...WEB_POD,
        ...NODE_1,
      },
      {
        __address__: "10.0.0.2:8080",
        "~endpointslice_address_target_kind": "Node",
        "~endpointslice_address_target_name": "n2",
        "~endpointslice_endpoint_conditions_ready": "false",
        "~endpointslice_port": "8080",
        "~endpointslice_port_app_protocol": "h2c",
        "~endpointslice_port_name": "http",
        "~endpointslice_port_protocol": "TCP",
        "~node_name": "n2",
      },
      {
        __address__: "10.0.0.2",
        "~endpointslice_address_target_kind": "Node",
        "~endpointslice_address_target_name": "n2",
        "~endpointslice_endpoint_conditions_ready": "false",
        "~endpointslice_port_name": "",
        "~endpointslice_port_protocol": "TCP",
        "~node_name": "n2",
      },
      {
        __address__: "10.1.0.1:6060",
        "~pod_container_image": "app:1",
        "~pod_container_init": "false",
        "~pod_container_name": "app",
        "~pod_container_port_name": "debug",
        "~pod_container_port_number": "6060",
        "~pod_container_port_protocol": "TCP",
        ...WEB_POD,
      },
      {
        __address__: "10.1.0.1:9",
        "~pod_container_image": "init:3",
        "~pod_container_init": "true",
        "~pod_container_name": "prepare",
        "~pod_container_port_name": "",
        "~pod_container_port_number": "9",
        "~pod_container_port_protocol": "UDP",
        ...WEB_POD,
      },
    ],
  ],
];

const ATTACHED = { node: true, namespace: true, deployment: true, job: true, cronjob: true };

for (const [role, source, labels, targets] of EXPECTED) {
  test(`Kubernetes discovery of role ${role}: all labels of ${source}`, async () => {
    const api = await FakeApi.start(smallCluster().answer);
    const body = {
      apiServer: new ConfigUrl(api.url),
      role,
      kubeconfigFile: "",
      http: PLAIN_HTTP,
      namespaces: { ownNamespace: false, names: [] },
      selectors: [],
      attachMetadata: ATTACHED,
    };
    const rig = new Rig((context) => new KubernetesDiscoverer(body, context));
    await until(() => rig.groups.has(source), source);
    const group = rig.groups.get(source);
    assert.deepEqual(shown(group?.labels), labels);
    assert.deepEqual(group?.targets.map(shown), targets);
  });
}

function shown(labels: ReadonlyMap<string, string> = new Map()): Labels {
  return Object.fromEntries([...labels].map(([name, value]) => [name.replace("__meta_kubernetes_", "~"), value]));
}
