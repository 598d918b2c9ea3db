export type * from "./parser/ast.ts";
