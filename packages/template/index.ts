export type { Body, ParsedTemplate } from "./ast.ts";
export { BUILTIN_FUNCTIONS, escapeHtml, escapeQuery } from "./builtin-functions.ts";
export { type Escaper, type ExecuteOptions, execute, isTrue, type TemplateFunction } from "./execute.ts";
export { formatF, formatG, formatShortest, formatValue, goType, sprintf } from "./go-format.ts";
export { HtmlEscaper } from "./html-escaper.ts";
export { parseTemplate } from "./parser.ts";
export { SafeText } from "./safe-text.ts";
export { TemplateError } from "./template-error.ts";
