// OpenTelemetry's units as Prometheus spells them. Source: the OpenTelemetry specification, "Prometheus and OpenMetrics
// compatibility", and the reference's tables.

const UNITS: ReadonlyMap<string, string> = new Map([
  ["d", "days"],
  ["h", "hours"],
  ["min", "minutes"],
  ["s", "seconds"],
  ["ms", "milliseconds"],
  ["us", "microseconds"],
  ["ns", "nanoseconds"],
  ["By", "bytes"],
  ["KiBy", "kibibytes"],
  ["MiBy", "mebibytes"],
  ["GiBy", "gibibytes"],
  ["TiBy", "tibibytes"],
  ["KBy", "kilobytes"],
  ["MBy", "megabytes"],
  ["GBy", "gigabytes"],
  ["TBy", "terabytes"],
  ["m", "meters"],
  ["V", "volts"],
  ["A", "amperes"],
  ["J", "joules"],
  ["W", "watts"],
  ["g", "grams"],
  ["Cel", "celsius"],
  ["Hz", "hertz"],
  ["1", ""],
  ["%", "percent"],
]);

/** What may stand behind the slash, in the singular. */
const PER_UNITS: ReadonlyMap<string, string> = new Map([
  ["s", "second"],
  ["m", "minute"],
  ["h", "hour"],
  ["d", "day"],
  ["w", "week"],
  ["mo", "month"],
  ["y", "year"],
]);

/** A unit's two parts: `bytes` and `per_second` of `By/s`; "" for a part that is not there or is an annotation in braces. */
export interface UnitParts {
  readonly main: string;
  readonly per: string;
}

export function unitParts(unit: string): UnitParts {
  const slash = unit.indexOf("/");
  const main = (slash < 0 ? unit : unit.slice(0, slash)).trim();
  const per = slash < 0 ? "" : unit.slice(slash + 1).trim();
  const named = (text: string, names: ReadonlyMap<string, string>): string =>
    /[{}]/.test(text) ? "" : (names.get(text) ?? text);
  const perName = named(per, PER_UNITS);
  return { main: named(main, UNITS), per: perName === "" ? "" : `per_${perName}` };
}

/** A part with nothing in it but what old metric names may hold: runs of anything else become one underscore. */
export function cleanUnit(part: string): string {
  return part.replace(/[^a-zA-Z0-9:]+/gu, "_").replace(/^_/, "");
}

/** The unit as metadata and the label `__unit__` carry it. */
export function unitName(unit: string, allowsUtf8: boolean): string {
  const parts = unitParts(unit);
  const main = allowsUtf8 ? parts.main : cleanUnit(parts.main);
  const per = allowsUtf8 ? parts.per : cleanUnit(parts.per);
  const name = main !== "" && per !== "" ? `${main}_${per}` : main !== "" ? main : per;
  return name.replace(/^_/, "").replace(/_$/, "");
}
