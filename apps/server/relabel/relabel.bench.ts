// Relabeling of target label sets: what a service discovery of many targets costs per target.
// Run: node apps/server/dist/relabel/relabel.bench.js
import { Labels } from "@narthex/model";
import { Relabeler } from "./relabel.ts";
import { DEFAULT_RELABEL_CONFIG, type RelabelConfig } from "./rule.ts";

function rule(fields: Partial<RelabelConfig>): RelabelConfig {
  return { ...DEFAULT_RELABEL_CONFIG, ...fields, regexIsDefault: fields.regex === undefined };
}

const labels = Labels.fromObject({
  __address__: "10.0.12.7:8080",
  __meta_kubernetes_namespace: "shop",
  __meta_kubernetes_pod_name: "cart-5d9f8b6c7-x2x7q",
  __meta_kubernetes_pod_label_app: "cart",
  __meta_kubernetes_pod_label_tier: "backend",
  __meta_kubernetes_pod_annotation_prometheus_io_scrape: "true",
  __meta_kubernetes_pod_annotation_prometheus_io_port: "9102",
  __metrics_path__: "/metrics",
  __scheme__: "http",
  job: "pods",
});

const cases: readonly (readonly [name: string, rules: readonly RelabelConfig[]])[] = [
  ["copy a label (no regex)", [rule({ sourceLabels: ["__meta_kubernetes_namespace"], targetLabel: "namespace" })]],
  [
    "join address and port",
    [
      rule({
        sourceLabels: ["__address__", "__meta_kubernetes_pod_annotation_prometheus_io_port"],
        regex: "([^:]+)(?::\\d+)?;(\\d+)",
        replacement: "$1:$2",
        targetLabel: "__address__",
      }),
    ],
  ],
  ["keep by value", [rule({ sourceLabels: ["job"], regex: "pods|nodes", action: "keep" })]],
  ["labelmap", [rule({ regex: "__meta_kubernetes_pod_label_(.+)", action: "labelmap" })]],
  ["labeldrop", [rule({ regex: "__meta_.+", action: "labeldrop" })]],
  ["hashmod", [rule({ sourceLabels: ["__address__"], targetLabel: "shard", modulus: 8n, action: "hashmod" })]],
];

console.log("rule                          ns per label set");
for (const [name, rules] of [...cases, ["all of them", cases.flatMap(([, each]) => each)] as const]) {
  const relabeler = new Relabeler(rules);
  for (let i = 0; i < 20_000; i++) relabeler.apply(labels);
  const count = 100_000;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < count; i++) relabeler.apply(labels);
  const nanos = Number(process.hrtime.bigint() - begin) / count;
  console.log(`${name.padEnd(30)}${nanos.toFixed(0).padStart(8)}`);
}
