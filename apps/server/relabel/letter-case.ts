// Lower and upper case as Go's `strings` package maps them: letter by letter, never one letter to several.

/** `text` in lower case. A final sigma gets no special form, `İ` becomes a plain `i`. */
export function toLower(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, (letter) => letter.toLowerCase(), lowerOfSeveral);
}

/** `text` in upper case. Letters without a single upper-case letter (`ß`, `ŉ`) stay. */
export function toUpper(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapLetters(text, (letter) => letter.toUpperCase(), upperOfSeveral);
}

const ASCII = /^[\x00-\x7f]*$/;

function isAscii(text: string): boolean {
  return ASCII.test(text);
}

function mapLetters(text: string, map: (letter: string) => string, several: (letter: string) => string): string {
  let mapped = "";
  for (const letter of text) {
    const one = map(letter);
    mapped += [...one].length === 1 ? one : several(letter);
  }
  return mapped;
}

function lowerOfSeveral(letter: string): string {
  return letter === "\u0130" ? "i" : letter;
}

/** Greek letters with an iota below have a single title-case letter that counts as their upper case. */
function upperOfSeveral(letter: string): string {
  const code = letter.codePointAt(0) as number;
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8);
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9);
  return letter;
}
