// `amtool template render`: what a template makes of an alert.
import { readFileSync } from "node:fs";
import { choiceFlag } from "@narthex/toolkit";
import { type Json, JsonSyntaxError, scanJson } from "../../api/v2/json-scanner.ts";
import { templateFiles } from "../../template/template-files.ts";
import { TemplateSet, TemplateSetError } from "../../template/template-set.ts";
import { option, type RunnableCommand, textOption } from "../command-table.ts";
import { openFile } from "../flag-types.ts";

import { dataFromJson, exampleData } from "../template-data.ts";
import { type ToolContext, textOf, textsOf } from "../tool-context.ts";
import { ToolError } from "../tool-error.ts";

export const templateCommand: RunnableCommand = {
  name: "template",
  help: "Render templates.",
  flags: [],
  commands: [
    {
      name: "render",
      help: "Print what a text becomes when its templates are expanded.",
      flags: [
        textOption("template.glob", "Pattern of the files that define templates", { repeatable: true, required: true }),
        textOption("template.text", "The text that is expanded", { required: true }),
        option(
          "template.type",
          choiceFlag(["html", "text"]),
          "Whether what is put in is escaped for HTML: text or html",
        ),
        option(
          "template.data",
          openFile,
          "A JSON file with the alerts to expand it for, in the shape of a webhook's body; an example unless given",
        ),
      ],
      run: renderTemplate,
    },
  ],
};

function renderTemplate({ values, out, now }: ToolContext): number {
  const patterns = textsOf(values, "templateGlob");
  if (patterns.some((pattern) => isBadPattern(pattern))) throw new ToolError("syntax error in pattern");
  const text = textOf(values, "templateText");
  try {
    const templates = new TemplateSet(templateFiles(patterns));
    const file = textOf(values, "templateData");
    const data = file === "" ? exampleData(now()) : dataFromJson(readJson(file));
    out(values["templateType"] === "html" ? templates.html(text, data) : templates.text(text, data));
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const { cause } = error as Error;
    const { message } = error instanceof TemplateSetError && cause instanceof Error ? cause : (error as Error);
    throw new ToolError(message, "\n\n", { cause: error });
  }
  return 0;
}

function readJson(file: string): Json {
  try {
    const value = scanJson(readFileSync(file, "utf8"));
    if (value === undefined) throw new ToolError("unexpected end of JSON input");
    return value;
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new ToolError(error.message, "\n\n", { cause: error });
    throw error;
  }
}

/** A bracket that is not closed, or a backslash with nothing behind it. */
function isBadPattern(pattern: string): boolean {
  return /\[/.test(pattern.replace(/\\.|\[\^?(?:\\.|[^\]])+\]/g, "")) || /(?:^|[^\\])(?:\\\\)*\\$/.test(pattern);
}
