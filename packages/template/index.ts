export type { ParsedTemplate } from "./ast.ts";
export { BUILTIN_FUNCTIONS, escapeHtml, escapeQuery } from "./builtin-functions.ts";
export { type ExecuteOptions, execute, isTrue, SafeText, type TemplateFunction } from "./execute.ts";
export { formatF, formatG, formatShortest, formatValue, sprintf } from "./go-format.ts";
export { parseTemplate } from "./parser.ts";
export { TemplateError } from "./template-error.ts";
