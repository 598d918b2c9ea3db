// `amtool silence import`: the silences of a JSON list, several at a time.
import { readFileSync } from "node:fs";
import { integerFlag } from "@narthex/toolkit";
import { type Json, JsonSyntaxError, scanJson } from "../../api/v2/json-scanner.ts";
import { type ApiClient, RefusedError } from "../api-client.ts";
import { booleanSwitch, option, type RunnableCommand } from "../command-table.ts";
import { existingFile } from "../flag-types.ts";
import { type ToolContext, textOf, withClient } from "../tool-context.ts";
import { ToolError } from "../tool-error.ts";

/** More at a time does not make a server faster. */
const MAX_WORKERS = 1000;
/** What of a silence is posted; the rest is what the server says of it. */
const FIELDS = ["annotations", "comment", "createdBy", "endsAt", "matchers", "startsAt"];

type Fields = ReadonlyMap<string, Json>;

export const importCommand: RunnableCommand = {
  name: "import",
  help: "Add the silences of a JSON list, as `silence query -o json` prints it. Prints their ids.",
  flags: [
    booleanSwitch("force", "Make new silences of those that exist", { short: "f" }),
    option("worker", integerFlag, "How many to add at a time", { short: "w", default: "8" }),
  ],
  argument: {
    name: "input-file",
    property: "file",
    type: existingFile,
    help: "The file; the standard input unless given",
  },
  run: importSilences,
};

async function importSilences(context: ToolContext): Promise<number> {
  const { values, out, err } = context;
  const file = textOf(values, "file");
  const silences = readList(file === "" ? context.stdin() : readFileSync(file, "utf8"));
  const isForced = values["force"] === true;
  let failures = 0;
  await withClient(context, async (client) => {
    const waiting = silences.values();
    const work = async (): Promise<void> => {
      for (const silence of waiting) {
        const id = isForced ? "" : idOf(silence);
        try {
          out(`${await post(client, silence, id)}\n`);
        } catch (error) {
          failures++;
          err(`Error adding silence id='${id}': ${(error as Error).message}\n`);
        }
      }
    };
    const count = Math.min(Math.max(values["worker"] as number, 1), MAX_WORKERS, silences.length);
    await Promise.all(Array.from({ length: count }, work));
  });
  if (failures > 0) throw new ToolError(`couldn't import ${failures} out of ${silences.length} silences`);
  return 0;
}

/** A silence that the server does not know is made anew. */
async function post(client: ApiClient, silence: Fields, id: string): Promise<string> {
  const body = Object.fromEntries(FIELDS.map((name) => [name, plain(silence.get(name) ?? null)]));
  if (body["annotations"] === null) delete body["annotations"];
  if (id === "") return client.postSilence(body);
  try {
    return await client.postSilence({ id, ...body });
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 404) throw error;
    return client.postSilence(body);
  }
}

function readList(text: string): Fields[] {
  const refuse = (reason: string): never => {
    throw new ToolError(`couldn't unmarshal input data, is it JSON?: ${reason}`);
  };
  let value: Json | undefined;
  try {
    value = scanJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return refuse(error.message);
  }
  if (value === undefined) return refuse("EOF");
  if (!Array.isArray(value)) return refuse("it must be a list of silences");
  return (value as readonly Json[]).map((item, i) =>
    item instanceof Map ? item : refuse(`item ${i + 1} of the list is no silence`),
  );
}

function idOf(silence: Fields): string {
  const id = silence.get("id");
  return typeof id === "string" ? id : "";
}

function plain(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
