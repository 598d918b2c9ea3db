// A cluster of two workers, one of which dies when it is asked: the primary process reports what came of it.
import cluster from "node:cluster";
import { once } from "node:events";
import { AggregatorRegistry, Counter, openMetricsContentType } from "./index.ts";

if (cluster.isPrimary) {
  const metrics = new AggregatorRegistry(openMetricsContentType);
  const workers = [cluster.fork(), cluster.fork({ DIES: "1" })];
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const listening = (): number => workers.reduce((sum, worker) => sum + worker.listenerCount("message"), 0);
  const before = listening();
  const start = performance.now();
  const text = await metrics.clusterMetrics();
  const tookMs = performance.now() - start;
  process.send?.({ text, tookMs, listeners: listening() - before });
  for (const worker of workers) worker.kill();
} else {
  if (process.env["DIES"] === "1") process.on("message", () => process.exit(1));
  else new AggregatorRegistry();
  new Counter({ name: "c", help: "h" }).inc();
  process.send?.("ready");
}
