// How deep a syntax tree is, found without recursion: hostile trees may be deeper than the stack.
import type { DurationExpr, Expr } from "./ast.ts";

type Node = Expr | DurationExpr;

/** Nodes on the longest way from the root down, duration expressions included. */
export function treeDepth(root: Expr): number {
  let deepest = 0;
  let level: Node[] = [root];
  for (; level.length > 0; deepest++) level = level.flatMap(children);
  return deepest;
}

function children(node: Node): Node[] {
  switch (node.kind) {
    case "number":
    case "string":
    case "durationNumber":
      return [];
    case "durationOp":
      return present(node.lhs, node.rhs);
    case "vectorSelector":
      return present(node.offsetExpr);
    case "matrixSelector":
      return present(node.selector, node.rangeExpr);
    case "subquery":
      return present(node.expr, node.rangeExpr, node.stepExpr, node.offsetExpr);
    case "paren":
    case "unary":
      return [node.expr];
    case "binary":
      return [node.lhs, node.rhs];
    case "aggregate":
      return present(node.expr, node.param);
    case "call":
      return [...node.args];
  }
}

function present(...nodes: readonly (Node | undefined)[]): Node[] {
  return nodes.filter((node) => node !== undefined);
}
