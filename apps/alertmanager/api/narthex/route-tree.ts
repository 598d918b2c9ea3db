// The routing tree as JSON.
import type { Route } from "../../dispatch/route.ts";
import { matchersText } from "../../matcher/matcher.ts";
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext } from "../v2/api-context.ts";

export function getRoutes(exchange: Exchange, context: ApiContext): void {
  exchange.json(200, `${JSON.stringify(treeJson(context.state().dispatcher.route))}\n`);
}

/** A route with what it has inherited, and those below it. */
function treeJson(route: Route): object {
  const { options } = route;
  return {
    id: route.id,
    matchers: matchersText(route.matchers),
    receiver: options.receiver,
    continues: route.continues,
    groupBy: options.groupsByAll ? ["..."] : [...options.groupBy],
    groupWaitSeconds: options.groupWaitMs / 1000,
    groupIntervalSeconds: options.groupIntervalMs / 1000,
    repeatIntervalSeconds: options.repeatIntervalMs / 1000,
    muteTimeIntervals: options.muteTimeIntervals,
    activeTimeIntervals: options.activeTimeIntervals,
    routes: route.children.map(treeJson),
  };
}
