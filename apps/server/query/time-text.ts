// Times of queries as logs and traces tell them.

/** As ISO 8601 has it; times beyond what a date holds are written as milliseconds. */
export function timeText(t: number): string {
  const date = new Date(t);
  return Number.isNaN(date.getTime()) ? String(t) : date.toISOString();
}
