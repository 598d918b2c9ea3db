// Tokens of the text formats, with the names that stand in error messages.

/** What a lexer found. */
export const Token = {
  invalid: -1,
  end: 0,
  lineBreak: 1,
  whitespace: 2,
  help: 3,
  type: 4,
  unit: 5,
  eofWord: 6,
  text: 7,
  comment: 8,
  metricName: 9,
  quoted: 10,
  braceOpen: 11,
  braceClose: 12,
  labelName: 13,
  labelValue: 14,
  comma: 15,
  equal: 16,
  timestamp: 17,
  value: 18,
} as const;
export type Token = (typeof Token)[keyof typeof Token];

const NAMES: readonly string[] = [
  "EOF",
  "LINEBREAK",
  "WHITESPACE",
  "HELP",
  "TYPE",
  "UNIT",
  "EOFWORD",
  "TEXT",
  "COMMENT",
  "MNAME",
  "QSTRING",
  "BOPEN",
  "BCLOSE",
  "LNAME",
  "LVALUE",
  "COMMA",
  "EQUAL",
  "TIMESTAMP",
  "VALUE",
];

/** The name of a token in error messages. */
export function tokenName(token: Token): string {
  return token < 0 ? "INVALID" : (NAMES[token] as string);
}

/** Where in a line a lexer stands: what it accepts next depends on it. */
export const LexerState = {
  start: 0,
  comment: 1,
  metaName: 2,
  metaText: 3,
  labels: 4,
  labelValue: 5,
  value: 6,
  timestamp: 7,
  exemplar: 8,
  exemplarValue: 9,
  exemplarTimestamp: 10,
} as const;
export type LexerState = (typeof LexerState)[keyof typeof LexerState];

const LETTER = 1;
const COLON = 2;
const DIGIT = 4;
const CLASSES = new Uint8Array(256);
for (let c = 0x61; c <= 0x7a; c++) {
  CLASSES[c] = LETTER;
  CLASSES[c - 0x20] = LETTER;
}
CLASSES[0x5f] = LETTER;
CLASSES[0x3a] = COLON;
for (let c = 0x30; c <= 0x39; c++) CLASSES[c] = DIGIT;

/** Where the metric name at `at` ends (letters, digits, `_`, `:`, no digit first); `at` itself when there is none. */
export function metricNameEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || ((CLASSES[bytes[at] as number] as number) & (LETTER | COLON)) === 0) return at;
  let i = at + 1;
  while (i < end && CLASSES[bytes[i] as number] !== 0) i++;
  return i;
}

/** Where the label name at `at` ends (letters, digits, `_`, no digit first); `at` itself when there is none. */
export function labelNameEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || CLASSES[bytes[at] as number] !== LETTER) return at;
  let i = at + 1;
  while (i < end && ((CLASSES[bytes[i] as number] as number) & (LETTER | DIGIT)) !== 0) i++;
  return i;
}

/** Whether `bytes[at, at + word.length)` are this ASCII word. */
export function wordAt(bytes: Uint8Array, at: number, end: number, word: string): boolean {
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}
