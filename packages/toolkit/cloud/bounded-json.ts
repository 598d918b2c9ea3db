// JSON from outside: as much as fits a bound of values, since a byte of text can become many bytes of objects.

/** Shorter texts cannot hold enough values to matter. */
const FREE_CHARS = 4 << 20;
/** Values in one text: what a real answer of the largest size has, several times over. */
const MAX_VALUES = 8_000_000;

/** The value of a JSON text. Throws for one that is none or has too many values; messages quote nothing of it. */
export function parseJson(text: string): unknown {
  refuseTooManyValues(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own words quote the text, which may hold what nobody should read in a log.
    throw new Error("answer is no valid JSON", { cause: error });
  }
}

/** Throws for a JSON text with more values than a text from outside may have; whoever parses it by themselves asks first. */
export function refuseTooManyValues(text: string): void {
  if (text.length <= FREE_CHARS || countValues(text) <= MAX_VALUES) return;
  throw new Error(`answer has more than ${MAX_VALUES} JSON values`);
}

/** No less than there are: signs within texts count, too. */
function countValues(text: string): number {
  let count = 1;
  for (let i = 0; i < text.length && count <= MAX_VALUES; i++) {
    const char = text.charCodeAt(i);
    // One for each comma, bracket and brace.
    if (char === 0x2c || char === 0x5b || char === 0x7b) count++;
  }
  return count;
}
