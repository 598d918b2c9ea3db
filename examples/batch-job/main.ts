// Runs the job once and pushes what it did: `npm start`. PUSHGATEWAY names the gateway, http://localhost:9091 unless set.
import { cleanUp } from "./src/clean-up.ts";
import { JobMetrics } from "./src/job-metrics.ts";
import { pushMetrics } from "./src/push.ts";

const gateway = process.env["PUSHGATEWAY"] ?? "http://localhost:9091";
const metrics = new JobMetrics();
try {
  await metrics.time(async () => cleanUp(process.argv[2], metrics));
} catch (error) {
  process.stderr.write(`the job failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
try {
  await pushMetrics(gateway, { job: "clean_up" }, metrics.register, metrics.succeeded);
} catch (error) {
  process.stderr.write(`pushing failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
