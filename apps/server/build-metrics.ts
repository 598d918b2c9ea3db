// What every Prometheus server tells about itself as a program.
import { Gauge, type Registry } from "@narthex/client";
import { collectDefaultMetrics } from "@narthex/client/node";
import { BUILD_INFO } from "./build-info.ts";

/** Coarse on purpose: a finer watch of the event loop would be most of what an idle server does. */
const EVENT_LOOP_PRECISION_MS = 100;

/** Adds process, runtime and build metrics. Returns a function that ends the watching behind them. */
export function addBuildMetrics(registry: Registry): () => void {
  new Gauge({
    name: "prometheus_build_info",
    help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which prometheus was built, and the goos and goarch for the build.",
    labelNames: ["branch", "goarch", "goos", "goversion", "revision", "tags", "version"],
    registers: [registry],
  }).set(
    {
      branch: BUILD_INFO.branch,
      goarch: process.arch === "x64" ? "amd64" : process.arch,
      goos: process.platform,
      goversion: BUILD_INFO.goVersion,
      revision: BUILD_INFO.revision,
      tags: "typescript",
      version: BUILD_INFO.version,
    },
    1,
  );
  return collectDefaultMetrics({
    register: registry,
    go: true,
    goVersion: BUILD_INFO.goVersion,
    eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
  });
}
