// `amtool silence`: all that can be done with silences, but for importing many.
import { parseDuration, textFlag } from "@narthex/toolkit";
import type { LabelMatcher } from "../../matcher/matcher.ts";
import { Moment } from "../../moment/moment.ts";
import { parseApiTime } from "../../moment/parse.ts";
import type { SilenceAnswer } from "../answers.ts";
import { booleanSwitch, option, type RunnableCommand, textOption } from "../command-table.ts";
import { longDuration } from "../flag-types.ts";
import { readMatcher, readPairs, withAlertName } from "../matcher-words.ts";
import { readTime } from "../rfc3339.ts";
import { formatterOf, type ToolContext, textOf, textsOf, withClient } from "../tool-context.ts";
import { ToolError } from "../tool-error.ts";
import { importCommand } from "./silence-import.ts";

const START_HELP = "When it starts, in RFC 3339: 2006-01-02T15:04:05-07:00";
const END_HELP = "When it ends, in RFC 3339 (goes before the duration): 2006-01-02T15:04:05-07:00";
const MATCHERS = { name: "matcher-groups", property: "words", type: textFlag, repeatable: true, help: "Matchers" };

/** `user` is the author unless another one is named. */
export function silenceCommand(user: string): RunnableCommand {
  return {
    name: "silence",
    help: "Add, expire, import, query or update silences.",
    flags: [],
    needsUrl: true,
    commands: [
      {
        name: "add",
        help: "Silence the alerts that pass every matcher (a bare first word is the alert's name). Prints the silence's id.",
        flags: [
          textOption("author", "Who silences", { short: "a", default: user }),
          booleanSwitch("require-comment", "Refuse to go without a comment", { hidden: true, default: "true" }),
          textOption("duration", "How long: 30m, 2h, 7d", { short: "d", default: "1h" }),
          textOption("start", START_HELP),
          textOption("end", END_HELP),
          textOption("comment", "Why", { short: "c" }),
          textOption("annotation", "An annotation NAME=VALUE", { repeatable: true }),
        ],
        argument: MATCHERS,
        run: addSilence,
      },
      {
        name: "expire",
        help: "End silences now.",
        flags: [],
        argument: { name: "silence-ids", property: "ids", type: textFlag, repeatable: true, help: "Their ids" },
        run: expireSilences,
      },
      importCommand,
      {
        name: "query",
        help: "List silences that have not ended and that have every one of the matchers (a bare first word is an alert's name).",
        isDefault: true,
        flags: [
          booleanSwitch("expired", "List those that have ended instead"),
          booleanSwitch("quiet", "Print ids alone", { short: "q" }),
          textOption("created-by", "List those of one author"),
          textOption("id", "List the one with this id"),
          option(
            "within",
            longDuration,
            "List those that end within this time, or with --expired have ended within it",
            {
              default: "0",
            },
          ),
        ],
        argument: MATCHERS,
        run: querySilences,
      },
      {
        name: "update",
        help: "Change silences: their start, their end, their comment. Prints them as they are then.",
        flags: [
          booleanSwitch("quiet", "Print ids alone", { short: "q" }),
          textOption("duration", "How long from their start: 30m, 2h, 7d", { short: "d" }),
          textOption("start", START_HELP),
          textOption("end", END_HELP),
          textOption("comment", "Why", { short: "c" }),
        ],
        argument: { name: "update-ids", property: "ids", type: textFlag, repeatable: true, help: "Their ids" },
        run: updateSilences,
      },
    ],
  };
}

async function addSilence(context: ToolContext): Promise<number> {
  const { values, grammar, out } = context;
  const matchers = withAlertName(textsOf(values, "words"), grammar).map((word) => readMatcher(word, grammar));
  if (matchers.length === 0) throw new ToolError("no matchers specified");
  const start = textOf(values, "start");
  const startsAt = start === "" ? Moment.fromMs(context.now()) : readTime(start);
  const end = textOf(values, "end");
  const endsAt = end === "" ? startsAt.inOffset(0).plusMs(durationMs(textOf(values, "duration"))) : readTime(end);
  if (startsAt.isAfter(endsAt)) throw new ToolError("silence cannot start after it ends");
  const comment = textOf(values, "comment");
  if (values["requireComment"] === true && comment === "") throw new ToolError("comment required by config");
  const annotations = readPairs(textsOf(values, "annotation"), "annotations", grammar);
  const silence = {
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    comment,
    createdBy: textOf(values, "author"),
    startsAt: startsAt.toRfc3339Millis(),
    endsAt: endsAt.toRfc3339Millis(),
    matchers: matchers.map(matcherBody),
  };
  out(`${await withClient(context, (client) => client.postSilence(silence))}\n`);
  return 0;
}

async function expireSilences(context: ToolContext): Promise<number> {
  const ids = idsOf(context);
  await withClient(context, async (client) => {
    for (const id of ids) await client.expireSilence(id);
  });
  return 0;
}

async function querySilences(context: ToolContext): Promise<number> {
  const { values, grammar, out } = context;
  const filters = withAlertName(textsOf(values, "words"), grammar);
  const all = await withClient(context, (client) => client.silences(filters));
  const nowMs = context.now();
  const withinMs = values["within"] as number;
  const [author, id] = [textOf(values, "createdBy"), textOf(values, "id")];
  const wantsExpired = values["expired"] === true;
  const shown = all.filter((silence) => {
    const endMs = parseApiTime(silence.endsAt).ms;
    if (wantsExpired ? endMs > nowMs : endMs < nowMs) return false;
    if (withinMs > 0 && (wantsExpired ? endMs < nowMs - withinMs : endMs > nowMs + withinMs)) return false;
    return (author === "" || silence.createdBy === author) && (id === "" || silence.id === id);
  });
  print(context, shown, out);
  return 0;
}

async function updateSilences(context: ToolContext): Promise<number> {
  const { values, out } = context;
  const ids = idsOf(context);
  const updated = await withClient(context, async (client) => {
    const done: SilenceAnswer[] = [];
    for (const id of ids) {
      const changed = withChanges(await client.silence(id), values);
      const { annotations, comment, createdBy, startsAt, endsAt, matchers } = changed;
      const body = { id: changed.id, annotations, comment, createdBy, startsAt, endsAt, matchers };
      done.push({ ...changed, id: await client.postSilence(body) });
    }
    return done;
  });
  print(context, updated, out);
  return 0;
}

function withChanges(silence: SilenceAnswer, values: ToolContext["values"]): SilenceAnswer {
  const [start, end] = [textOf(values, "start"), textOf(values, "end")];
  const duration = textOf(values, "duration");
  const startsAt = start === "" ? parseApiTime(silence.startsAt) : readTime(start);
  const endsAt =
    end !== ""
      ? readTime(end)
      : duration !== ""
        ? startsAt.inOffset(0).plusMs(durationMs(duration))
        : parseApiTime(silence.endsAt);
  if (startsAt.isAfter(endsAt)) throw new ToolError("silence cannot start after it ends");
  const comment = textOf(values, "comment");
  return {
    ...silence,
    startsAt: startsAt.toRfc3339Millis(),
    endsAt: endsAt.toRfc3339Millis(),
    comment: comment === "" ? silence.comment : comment,
  };
}

function print(context: ToolContext, silences: readonly SilenceAnswer[], out: (text: string) => void): void {
  if (context.values["quiet"] === true) out(silences.map(({ id }) => `${id}\n`).join(""));
  else out(formatterOf(context).silences(silences));
}

function idsOf({ values }: ToolContext): readonly string[] {
  const ids = textsOf(values, "ids");
  if (ids.length === 0) throw new ToolError("no silence IDs specified");
  return ids;
}

function durationMs(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new ToolError((error as Error).message, "\n\n", { cause: error });
  }
  if (ms === 0) throw new ToolError("silence duration must be greater than 0");
  return ms;
}

function matcherBody({ name, value, isEqual, isRegex }: LabelMatcher): object {
  return { isEqual, isRegex, name, value };
}
