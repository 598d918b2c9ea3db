import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "@narthex/toolkit";
import { ApplySteps } from "./apply-steps.ts";

test("apply steps: a part that fails is told, and the parts behind it are applied", async () => {
  let log = "";
  const steps = new ApplySteps(
    createLogger({
      write: (line) => {
        log += line;
      },
    }),
  );
  const applied: string[] = [];
  await steps.run("scrape", () => {
    throw new Error("no");
  });
  await steps.run("rules", async () => {
    applied.push("rules");
  });
  assert.deepEqual(applied, ["rules"]);
  assert.equal(steps.failed, true);
  assert.deepEqual(Object.keys(steps.durations), ["scrape", "rules"]);
  assert.match(log, /msg="Failed to apply configuration" part=scrape err=no/);
});
