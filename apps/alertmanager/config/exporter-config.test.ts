import assert from "node:assert/strict";
import { test } from "node:test";
import { GRAMMAR } from "../testing-rig.ts";
import { exporterConfig } from "./exporter-config.ts";
import { loadConfig } from "./load.ts";
import type { TracingConfig } from "./tracing.ts";

function configOf(block: string) {
  const yaml = `{route: {receiver: a}, receivers: [{name: a}], tracing: {endpoint: "collector:4317", ${block}}}`;
  return exporterConfig(loadConfig(yaml, "test.yml", GRAMMAR).tracing as TracingConfig);
}

test("tracing block: what is left out has its standard, of several values of a header the first counts", () => {
  const { headers, tls, ...rest } = configOf(
    "headers: {A: {values: [one, two]}, B: {secrets: [hidden]}, C: {values: []}}",
  );
  assert.deepEqual(rest, {
    clientType: "grpc",
    endpoint: "collector:4317",
    samplingFraction: 0,
    insecure: false,
    compression: "",
    timeoutMs: 0,
  });
  assert.deepEqual(
    [...headers],
    [
      ["A", "one"],
      ["B", "hidden"],
    ],
  );
  assert.equal(tls.caFile, "");
});

test("tracing block: everything that is said reaches the exporter", () => {
  const { headers, tls, ...rest } = configOf(
    "client_type: http, sampling_fraction: 0.5, insecure: true, compression: gzip, timeout: 3s, tls_config: {server_name: s}",
  );
  assert.deepEqual(rest, {
    clientType: "http",
    endpoint: "collector:4317",
    samplingFraction: 0.5,
    insecure: true,
    compression: "gzip",
    timeoutMs: 3000,
  });
  assert.deepEqual([headers.size, tls.serverName], [0, "s"]);
});

test("tracing block: headers from files are refused, as the reference refuses them", () => {
  assert.throws(
    () => configOf("headers: {A: {files: [/nowhere/a]}}"),
    /^Error: header files are not supported for tracing configuration$/,
  );
});
