// Runs the job once and pushes what it did: `npm start`. PUSHGATEWAY names the gateway, http://localhost:9091 unless set.
import { pushAddToGateway, pushToGateway } from "@narthex/client";
import { cleanUp } from "./src/clean-up.ts";
import { JobMetrics } from "./src/job-metrics.ts";

const url = process.env["PUSHGATEWAY"] ?? "http://localhost:9091";
const metrics = new JobMetrics();
try {
  await metrics.time(async () => cleanUp(process.argv[2], metrics));
} catch (error) {
  process.stderr.write(`the job failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
try {
  // A failure replaces only what it names: the time of the last success stays.
  const push = metrics.succeeded ? pushToGateway : pushAddToGateway;
  await push({ url, job: "clean_up", registry: metrics.register, timeoutSeconds: 10 });
} catch (error) {
  process.stderr.write(`pushing failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
