// Routing trees as they are drawn.
import type { Labels } from "@narthex/model";
import type { Route } from "../dispatch/route.ts";
import { matchersText, matchesAll } from "../matcher/matcher.ts";
import type { TreeNode } from "./output/tree.ts";

const GAP = "  ";

/** Every route with its receiver, and whether its siblings are tried after it. */
export function routeTree(route: Route): TreeNode {
  const parts = [nameOf(route), ...(route.continues ? ["continue: true"] : []), receiverOf(route)];
  return { text: parts.join(GAP), children: route.children.map(routeTree) };
}

/** The routes that an alert goes through; those at which it ends with their receivers. */
export function matchingTree(route: Route, labels: Labels): TreeNode {
  const children: TreeNode[] = [];
  for (const child of route.children) {
    if (!matchesAll(child.matchers, labels)) continue;
    children.push(matchingTree(child, labels));
    if (!child.continues) break;
  }
  return { text: children.length > 0 ? nameOf(route) : nameOf(route) + GAP + receiverOf(route), children };
}

function nameOf({ matchers }: Route): string {
  return matchers.length === 0 ? "default-route" : matchersText(matchers);
}

function receiverOf({ options }: Route): string {
  return `receiver: ${options.receiver}`;
}
