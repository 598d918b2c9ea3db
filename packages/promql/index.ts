export * from "./engine/result.ts";
export type * from "./parser/ast.ts";
