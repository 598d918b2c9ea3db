// `amtool config`: the configuration in force, its routing tree, and where an alert goes in it.

import { Labels } from "@narthex/model";
import { textFlag } from "@narthex/toolkit";
import type { Config } from "../../config/config.ts";
import { loadConfig, loadConfigFile } from "../../config/load.ts";
import { Route } from "../../dispatch/route.ts";
import { booleanSwitch, option, type RunnableCommand, textOption } from "../command-table.ts";
import { existingFile } from "../flag-types.ts";
import { readPairs } from "../matcher-words.ts";
import { drawTree } from "../output/tree.ts";
import { matchingTree, routeTree } from "../route-tree.ts";
import { formatterOf, type ToolContext, textOf, textsOf, withClient } from "../tool-context.ts";
import { ToolError } from "../tool-error.ts";

export const configCommand: RunnableCommand = {
  name: "config",
  help: "Show an Alertmanager's configuration, or its routing tree.",
  flags: [],
  commands: [
    {
      name: "show",
      help: "Print the configuration in force; with -o extended or json what program it is and since when it runs, too.",
      isDefault: true,
      needsUrl: true,
      flags: [],
      run: showConfig,
    },
    {
      name: "routes",
      help: "Draw the routing tree of a configuration: of a file, or of the running Alertmanager.",
      flags: [option("config.file", existingFile, "The configuration; goes before --alertmanager.url")],
      commands: [
        { name: "show", help: "Draw the tree.", isDefault: true, flags: [], run: showRoutes },
        {
          name: "test",
          help: "Print the receivers of an alert with the labels NAME=VALUE, in the tree's order.",
          flags: [
            textOption("verify.receivers", "Fail unless these are the receivers: a,b"),
            booleanSwitch("tree", "Draw the routes that it takes"),
          ],
          argument: { name: "labels", property: "words", type: textFlag, repeatable: true, help: "The alert's labels" },
          run: testRoutes,
        },
      ],
    },
  ],
};

export const clusterCommand: RunnableCommand = {
  name: "cluster",
  help: "Show the cluster: its state and its members.",
  flags: [],
  commands: [
    {
      name: "show",
      help: "Print the cluster's state; with -o extended or json its members, too.",
      isDefault: true,
      needsUrl: true,
      flags: [],
      run: showCluster,
    },
  ],
};

async function showConfig(context: ToolContext): Promise<number> {
  const status = await withClient(context, (client) => client.status());
  context.out(formatterOf(context).status(status));
  return 0;
}

async function showCluster(context: ToolContext): Promise<number> {
  const { cluster } = await withClient(context, (client) => client.status());
  context.out(formatterOf(context).cluster(cluster));
  return 0;
}

async function showRoutes(context: ToolContext): Promise<number> {
  const root = await loadRoutes(context, "\n");
  context.out(`Routing tree:\n${drawTree(routeTree(root))}\n`);
  return 0;
}

async function testRoutes(context: ToolContext): Promise<number> {
  const { values, grammar, out } = context;
  const root = await loadRoutes(context, "\n\n");
  const labels = Labels.fromUnsorted(Object.entries(readLabels(textsOf(values, "words"), grammar)));
  if (values["tree"] === true) out(`Matching routes:\n${drawTree(matchingTree(root, labels))}\n\n`);
  const receivers = root
    .match(labels)
    .map(({ options }) => options.receiver)
    .join(",");
  out(`${receivers}\n`);
  const expected = textOf(values, "verifyReceivers");
  if (expected === "" || expected === receivers) return 0;
  out("WARNING: Expected receivers did not match resolved receivers.\n");
  return 1;
}

function readLabels(words: readonly string[], grammar: ToolContext["grammar"]): Record<string, string> {
  try {
    return readPairs(words, "Labels", grammar);
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith("Labels must")) throw error;
    throw new ToolError(`Failed to parse labels: ${message}`, "\n\n", { cause: error });
  }
}

async function loadRoutes(context: ToolContext, ending: "\n" | "\n\n"): Promise<Route> {
  const { values, grammar, err } = context;
  const file = textOf(values, "configFile");
  const hasUrl = values["alertmanagerUrl"] !== undefined;
  if (hasUrl && file !== "") err("Warning: --config.file flag overrides the --alertmanager.url.\n");
  if (!hasUrl && file === "")
    throw new ToolError("You have to specify one of --config.file or --alertmanager.url flags.", "\n");
  let config: Config;
  try {
    if (file !== "") config = loadConfigFile(file, grammar);
    else {
      const { original } = (await withClient(context, (client) => client.status())).config;
      config = loadConfig(original, "", grammar);
    }
  } catch (error) {
    throw new ToolError((error as Error).message, ending, { cause: error });
  }
  return new Route(config.route);
}
