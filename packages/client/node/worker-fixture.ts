// A worker of the tests, as a process or a thread: counts, and answers for its metrics until it is told to end or to hang.
import { parentPort } from "node:worker_threads";
import { Counter, Gauge, Histogram, Summary } from "../index.ts";
import { answerMetricsRequests } from "./index.ts";

new Counter({ name: "w_total", help: "h", labelNames: ["a"] }).inc({ a: "x" }, 2);
new Gauge({ name: "w_nan", help: "h", mode: "max" }).set(NaN);
new Gauge({ name: "w_live", help: "h", mode: "livesum" }).set(3);
new Histogram({ name: "w_seconds", help: "h", buckets: [1], nativeHistogram: true }).observe(2);
new Summary({ name: "w_bytes", help: "h" }).observe(4);
answerMetricsRequests();

const onMessage = (message: unknown): void => {
  if (message === "end") process.exit(0);
  if (message === "hang") for (;;);
};
if (parentPort !== null) {
  parentPort.on("message", onMessage);
  parentPort.postMessage("ready");
} else {
  process.on("message", onMessage);
  process.send?.("ready");
}
