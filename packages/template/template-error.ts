// What is wrong with a template, and where.

/** A template that cannot be parsed, or an execution that failed; the message names template and line as Go does. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** The line of an offset, counted from 1. */
export function lineOf(source: string, pos: number): number {
  let line = 1;
  for (let i = source.indexOf("\n"); i >= 0 && i < pos; i = source.indexOf("\n", i + 1)) line++;
  return line;
}

/** How far into its line an offset stands, counted from 0, as Go's execution errors have it. */
export function columnOf(source: string, pos: number): number {
  return pos - (source.lastIndexOf("\n", pos - 1) + 1);
}
