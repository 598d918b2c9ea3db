// `amtool alert`: asking for alerts, and making one.
import { textFlag } from "@narthex/toolkit";
import { booleanSwitch, type RunnableCommand, textOption } from "../command-table.ts";
import { readPairs, withAlertName } from "../matcher-words.ts";
import { readTime } from "../rfc3339.ts";
import { formatterOf, type ToolContext, textOf, textsOf, withClient } from "../tool-context.ts";

/** Stands for "no time" in a posted alert, as the reference sends it. */
const NO_TIME = "0001-01-01T00:00:00.000Z";

export const alertCommand: RunnableCommand = {
  name: "alert",
  help: "Query alerts, or add one.",
  flags: [],
  needsUrl: true,
  commands: [
    {
      name: "query",
      help: "List alerts: those that pass every matcher (a bare first word is the alert's name), and that are in one of the\nstates asked for; the active ones when no state is.",
      isDefault: true,
      flags: [
        booleanSwitch("inhibited", "Show inhibited alerts", { short: "i" }),
        booleanSwitch("silenced", "Show silenced alerts", { short: "s" }),
        booleanSwitch("active", "Show active alerts", { short: "a" }),
        booleanSwitch("unprocessed", "Show alerts that no route has taken yet", { short: "u" }),
        textOption("receiver", "Show alerts that go to a receiver whose name the pattern matches", { short: "r" }),
      ],
      argument: { name: "matcher-groups", property: "words", type: textFlag, repeatable: true, help: "Matchers" },
      run: queryAlerts,
    },
    {
      name: "add",
      help: "Send an alert with the labels NAME=VALUE; a bare first word is the alert's name.",
      flags: [
        textOption("generator-url", "Where the alert comes from"),
        textOption("start", "When it starts, in RFC 3339: 2006-01-02T15:04:05-07:00"),
        textOption("end", "When it ends, in RFC 3339: 2006-01-02T15:04:05-07:00"),
        textOption("annotation", "An annotation NAME=VALUE", { repeatable: true }),
      ],
      argument: { name: "labels", property: "words", type: textFlag, repeatable: true, help: "Labels" },
      run: addAlert,
    },
  ],
};

async function queryAlerts(context: ToolContext): Promise<number> {
  const { values, grammar, out } = context;
  const filters = withAlertName(textsOf(values, "words"), grammar);
  const wants = (state: string): boolean => values[state] === true;
  const isAnyGiven = ["silenced", "inhibited", "active", "unprocessed"].some(wants);
  const alerts = await withClient(context, (client) =>
    client.alerts([
      ["active", String(wants("active") || !isAnyGiven)],
      ...filters.map((filter) => ["filter", filter] as const),
      ["inhibited", String(wants("inhibited"))],
      ["receiver", textOf(values, "receiver")],
      ["silenced", String(wants("silenced"))],
      ["unprocessed", String(wants("unprocessed"))],
    ]),
  );
  out(formatterOf(context).alerts(alerts));
  return 0;
}

async function addAlert(context: ToolContext): Promise<number> {
  const { values, grammar } = context;
  const labels = readPairs(withAlertName(textsOf(values, "words"), grammar), "labels", grammar);
  const annotations = readPairs(textsOf(values, "annotation"), "annotations", grammar);
  const [startsAt, endsAt] = ["start", "end"].map((name) => {
    const text = textOf(values, name);
    return text === "" ? NO_TIME : readTime(text).toRfc3339Millis();
  });
  const generatorURL = textOf(values, "generatorUrl");
  const alert = { annotations, startsAt, endsAt, labels, ...(generatorURL === "" ? {} : { generatorURL }) };
  await withClient(context, (client) => client.postAlerts([alert]));
  return 0;
}
