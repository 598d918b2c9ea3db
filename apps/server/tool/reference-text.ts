// Problems of rule files as the reference's tool tells them.
import type { ConfigError } from "../config/error.ts";

/** One text per problem; problems of keys and types go together. `file` is as the reference would name it. */
export function referenceTexts(error: ConfigError): string[] {
  const unfit = error.problems.filter(({ message }) => UNFIT.test(message));
  if (unfit.length > 0) {
    const file = unfit[0]?.file ?? "";
    const lines = unfit.map(({ line, message }) => `  line ${line}: ${message.replace(SUGGESTION, "")}`);
    return [`${file}: yaml: unmarshal errors:\n${lines.join("\n")}`];
  }
  if (error.problems.length === 0) return [error.message];
  return error.problems.map(({ file, line, column, message, reference }) => {
    if (reference !== undefined) return `${file}: ${reference}`;
    return line === 0 || message.startsWith("yaml: ")
      ? `${file}: ${message}`
      : `${file}: ${line}:${column}: ${message}`;
  });
}

const UNFIT = /^(field \S+ (not found|already set) in type|cannot unmarshal|mapping key|key .* already set in map)/;
/** What only we add. */
const SUGGESTION = /, did you mean .*$/;
