// The body of `POST /silences`.
import { compileSearchRegex, quote } from "@narthex/model";
import { LabelMatcher, type MatchType } from "../../matcher/matcher.ts";
import { Moment } from "../../moment/moment.ts";
import type { Silence } from "../../silence/silence.ts";
import { ApiError } from "./api-error.ts";
import { Fields, mismatch, readBodyValue } from "./body.ts";
import type { Json } from "./json-scanner.ts";

const BODY = "silence";
const OUTER = 'struct { ID string "json:\\"id,omitempty\\"" }';

interface MatcherDraft {
  readonly name: string | undefined;
  readonly value: string | undefined;
  readonly isRegex: boolean | undefined;
  readonly isEqual: boolean;
}

/** Reads a silence, as it is asked for. Throws an `ApiError`. */
export function readPostedSilence(text: string): Silence {
  const value = readBodyValue(text, BODY);
  const outer = new Fields(value, BODY, "", OUTER);
  const id = outer.text("id") ?? "";
  const fields = new Fields(value, BODY, "Silence", OUTER);
  const matchers = fields.list("matchers", "models.Matchers")?.map(readMatcher);
  const annotations = fields.texts("annotations");
  const comment = fields.text("comment");
  const createdBy = fields.text("createdBy");
  const startsAt = fields.time("startsAt");
  const endsAt = fields.time("endsAt");
  if (comment === undefined) throw ApiError.required("comment");
  if (createdBy === undefined) throw ApiError.required("createdBy");
  if (endsAt === undefined) throw ApiError.required("endsAt");
  if (matchers === undefined) throw ApiError.required("matchers");
  if (matchers.length === 0) throw ApiError.tooFew("matchers", 1);
  matchers.forEach(checkMatcher);
  if (startsAt === undefined) throw ApiError.required("startsAt");
  return {
    id,
    matcherSets: [matchers.map(matcherOf)],
    // Times are kept without the offset that they were written with.
    startsAt: startsAt.inOffset(0),
    endsAt: endsAt.inOffset(0),
    updatedAt: Moment.zero,
    createdBy,
    comment,
    annotations: annotations ?? new Map(),
  };
}

function readMatcher(value: Json, i: number): MatcherDraft {
  if (value !== null && !(value instanceof Map))
    throw mismatch(BODY, value, `Go struct field Silence.matchers.${i} of type models.Matcher`);
  const fields = new Fields(value, BODY, `Silence.matchers.${i}`, "models.Matcher");
  return {
    name: fields.text("name"),
    value: fields.text("value"),
    isRegex: fields.bool("isRegex"),
    isEqual: fields.bool("isEqual") ?? true,
  };
}

function checkMatcher({ isRegex, name, value }: MatcherDraft, i: number): void {
  if (isRegex === undefined) throw ApiError.required(`matchers.${i}.isRegex`);
  if (name === undefined) throw ApiError.required(`matchers.${i}.name`);
  if (value === undefined) throw ApiError.required(`matchers.${i}.value`);
}

function matcherOf({ name = "", value = "", isRegex, isEqual }: MatcherDraft, i: number): LabelMatcher {
  const type: MatchType = isRegex === true ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
  try {
    if (isRegex === true) compileSearchRegex(value);
    return new LabelMatcher(type, name, value);
  } catch (error) {
    const reason = `invalid regular expression ${quote(value)}: ${(error as Error).message}`;
    throw ApiError.plain(400, `invalid silence: invalid label matcher ${i} in set 0: ${reason}`);
  }
}
