import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { loadConfig } from "../../config/load.ts";
import type { SlackConfig } from "../../config/receivers/slack.ts";
import { TemplateSet } from "../../template/template-set.ts";
import { HandClock } from "../../testing.ts";
import { alertOf, GRAMMAR } from "../../testing-rig.ts";
import type { Delivery } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import { SlackNotifier } from "./slack.ts";

// It was told in the words of Node, and not as a failure of which one knows whether to try again.
test("slack: a file of the URL that is not there is said as of every other integration", async () => {
  const yaml =
    "{route: {receiver: a}, receivers: [{name: a, slack_configs: [{api_url_file: /nowhere/url, channel: c}]}]}";
  const config = loadConfig(yaml, "test.yml", GRAMMAR).receivers[0]?.slack[0] as SlackConfig;
  const clock = new HandClock();
  const environment = { templates: new TemplateSet(), externalUrl: "http://am", clock, logger: silentLogger };
  const delivery: Delivery = {
    receiver: "a",
    groupKey: "{}:{}",
    groupLabels: Labels.empty,
    routeLabels: new Map(),
    routeId: "{}",
    nowMs: clock.now(),
    repeatIntervalMs: 1,
    muteTimeIntervals: [],
    activeTimeIntervals: [],
    matchers: [],
    groupUuid: "",
    flushId: 0,
    mutedHashes: [],
    signal: new AbortController().signal,
    reason: "first notification",
    data: new Map(),
  };
  const slack = new SlackNotifier(config, environment);
  await assert.rejects(slack.notify(delivery, [alertOf({ a: "b" }, clock.now(), 60)]), (error: unknown) => {
    assert.ok(error instanceof NotifyError);
    assert.equal(error.message, "open /nowhere/url: no such file or directory");
    return true;
  });
  slack.close();
});
