// Times by Go's layouts: the second of January 2006, a Monday, at four minutes and five seconds past three in the
// afternoon, written as the wanted moment is to be.

export const MONTHS: readonly string[] = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
export const WEEKDAYS: readonly string[] = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
];

/** A moment as the clocks of some place show it. */
export interface WallTime {
  /** Its UTC parts are the place's. */
  readonly date: Date;
  /** Of the second; from 0 to 999,999,999. */
  readonly nanos: number;
  /** From UTC. */
  readonly offsetMinutes: number;
  /** What `MST` in a layout prints. */
  readonly zone: string;
}

/** What stands for a part of a time in a layout, longest first where one begins another. */
const LAYOUT_PART =
  /January|Jan|Monday|Mon|MST|2006|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|__2|_2(?!006)|002|01|02|03|04|05|06|15|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

const two = (n: number): string => String(n).padStart(2, "0");

/** Source: Go's `Time.Format`. */
export function formatTime({ date, nanos, offsetMinutes: offset, zone }: WallTime, layout: string): string {
  const hour = date.getUTCHours();
  const month = MONTHS[date.getUTCMonth()] as string;
  const weekday = WEEKDAYS[date.getUTCDay()] as string;
  return layout.replace(LAYOUT_PART, (part) => {
    if (/^[.,]/.test(part)) {
      const digits = String(nanos)
        .padStart(9, "0")
        .slice(0, part.length - 1);
      const kept = part[1] === "9" ? digits.replace(/0+$/, "") : digits;
      return kept === "" ? "" : (part[0] as string) + kept;
    }
    if (part.startsWith("Z0")) return offset === 0 ? "Z" : offsetText(offset, part.includes(":") ? ":" : "");
    if (part.startsWith("-07")) {
      const text = offsetText(offset, part.includes(":") ? ":" : "");
      if (part === "-07") return text.slice(0, 3);
      return part.length > 6 ? `${text}${part.includes(":") ? ":00" : "00"}` : text;
    }
    switch (part) {
      case "January":
        return month;
      case "Jan":
        return month.slice(0, 3);
      case "1":
        return String(date.getUTCMonth() + 1);
      case "01":
        return two(date.getUTCMonth() + 1);
      case "Monday":
        return weekday;
      case "Mon":
        return weekday.slice(0, 3);
      case "2":
        return String(date.getUTCDate());
      case "_2":
        return String(date.getUTCDate()).padStart(2, " ");
      case "02":
        return two(date.getUTCDate());
      case "__2":
        return String(dayOfYear(date)).padStart(3, " ");
      case "002":
        return String(dayOfYear(date)).padStart(3, "0");
      case "15":
        return two(hour);
      case "3":
        return String(hour % 12 || 12);
      case "03":
        return two(hour % 12 || 12);
      case "4":
        return String(date.getUTCMinutes());
      case "04":
        return two(date.getUTCMinutes());
      case "5":
        return String(date.getUTCSeconds());
      case "05":
        return two(date.getUTCSeconds());
      case "2006":
        return String(date.getUTCFullYear()).padStart(4, "0");
      case "06":
        return two(date.getUTCFullYear() % 100);
      case "PM":
        return hour >= 12 ? "PM" : "AM";
      case "pm":
        return hour >= 12 ? "pm" : "am";
      default:
        return zone;
    }
  });
}

/** From 1 on. */
export function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

/** `+01:30`, with what is given between hours and minutes. */
export function offsetText(minutes: number, separator: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`;
}
