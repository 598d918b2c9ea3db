// `/api/v2/silences` and `/api/v2/silence/ID`.
import type { LabelMatcher } from "../../matcher/matcher.ts";
import { sameMatcher } from "../../matcher/matcher.ts";
import { Moment } from "../../moment/moment.ts";
import { type Silence, silenceState } from "../../silence/silence.ts";
import { SilenceError } from "../../silence/silence-check.ts";
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext } from "./api-context.ts";
import { ApiError } from "./api-error.ts";
import { filtersOf, switchOf } from "./filters.ts";
import { compareSilences, silenceJson } from "./gettable.ts";
import { readPostedSilence } from "./postable-silence.ts";

const UUID = /^(?:urn:uuid:)?\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i;

export function getSilences(exchange: Exchange, { silences, grammar, clock }: ApiContext): void {
  const { query } = exchange;
  const filters = filtersOf(query, "filter", grammar);
  const states = (["active", "expired", "pending"] as const).filter((state) => switchOf(query, state));
  const now = Moment.fromMs(clock.now());
  const shown = [...silences.all()].filter(
    (silence) => states.includes(silenceState(silence, now)) && hasMatchers(silence, filters),
  );
  shown.sort((a, b) => compareSilences(a, b, now));
  exchange.json(200, `[${shown.map((silence) => silenceJson(silence, now)).join(",")}]\n`);
}

/** Every filter must be one of the silence's matchers. */
function hasMatchers({ matcherSets }: Silence, filters: readonly LabelMatcher[]): boolean {
  return matcherSets.some((set) => filters.every((filter) => set.some((matcher) => sameMatcher(matcher, filter))));
}

export function getSilence(exchange: Exchange, { silences, clock }: ApiContext, id: string): void {
  const silence = silences.get(checkedId(id));
  if (silence === undefined) exchange.empty(404);
  else exchange.json(200, `${silenceJson(silence, Moment.fromMs(clock.now()))}\n`);
}

export async function deleteSilence(exchange: Exchange, { silences, logger }: ApiContext, id: string): Promise<void> {
  try {
    await silences.expire(checkedId(id));
  } catch (error) {
    if (error instanceof ApiError) throw error;
    logger.error("Failed to expire silence", { err: (error as Error).message, path: exchange.path, method: "DELETE" });
    if (error instanceof SilenceError && error.code === "not_found") {
      exchange.empty(404);
      return;
    }
    throw ApiError.plain(500, (error as Error).message);
  }
  exchange.empty(200);
}

export async function postSilence(exchange: Exchange, { silences, clock, logger }: ApiContext): Promise<void> {
  const wanted = readPostedSilence(exchange.body);
  const refuse = (message: string): never => {
    logger.error(message, { path: exchange.path, method: "POST" });
    throw ApiError.plain(400, message);
  };
  const now = Moment.fromMs(clock.now());
  if (!wanted.startsAt.isBefore(wanted.endsAt)) refuse("Failed to create silence: start time must be before end time");
  if (wanted.endsAt.isBefore(now)) refuse("Failed to create silence: end time can't be in the past");
  try {
    const id = await silences.set(wanted);
    exchange.json(200, `{"silenceID":"${id}"}\n`);
  } catch (error) {
    const message = (error as Error).message;
    logger.error("Failed to create silence", { err: message, path: exchange.path, method: "POST" });
    if (!(error instanceof SilenceError)) throw ApiError.plain(500, message);
    throw ApiError.plain(error.code === "not_found" ? 404 : 400, message);
  }
}

function checkedId(id: string): string {
  if (!UUID.test(id)) throw ApiError.wrongFormat("silenceID", "path", "uuid", id);
  return id;
}
