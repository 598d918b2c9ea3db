// The API under `/api/v2`: which path is answered by whom, and what all answers have in common.
import { goJson } from "../../template/go-json.ts";
import type { Exchange } from "../../web/exchange.ts";
import { OWN_RESOURCES } from "../narthex/own-api.ts";
import { decodedParameter, Resource } from "../resource.ts";
import { getAlertGroups, getAlerts, postAlerts } from "./alert-routes.ts";
import type { ApiContext } from "./api-context.ts";
import { ApiError } from "./api-error.ts";
import { deleteSilence, getSilence, getSilences, postSilence } from "./silence-routes.ts";
import { getReceivers, getStatus } from "./status-routes.ts";

/** All that there is below `/api/v2`. What is checked of a request before it is answered is checked for all of them. */
const RESOURCES: readonly Resource[] = [
  new Resource("/status", { GET: getStatus }),
  new Resource("/receivers", { GET: getReceivers }),
  new Resource("/alerts", { GET: getAlerts, POST: postAlerts }),
  new Resource("/alerts/groups", { GET: getAlertGroups }),
  new Resource("/silences", { GET: getSilences, POST: postSilence }),
  new Resource("/silence/{silenceID}", { DELETE: deleteSilence, GET: getSilence }),
  ...OWN_RESOURCES,
];

/** Answers a path below `/api/v2`. Resolves to how metrics name it: as many names as there are resources, and `/` for the rest. */
export async function serveApi(exchange: Exchange, path: string, context: ApiContext): Promise<string> {
  const tidy = path.length > 1 ? path.replace(/\/$/, "") : path;
  const resource = RESOURCES.find((each) => each.parameterIn(tidy) !== undefined);
  const name = resource?.path ?? "/";
  exchange.nameSpan(`/api/v2${name}`);
  if (exchange.method === "OPTIONS" && exchange.header("access-control-request-method") !== "") {
    answerPreflight(exchange);
    return name;
  }
  exchange.setHeader("Vary", "Origin");
  exchange.setHeader("Cache-Control", "no-store");
  if (exchange.header("origin") !== "" && ["GET", "POST", "HEAD"].includes(exchange.method))
    exchange.setHeader("Access-Control-Allow-Origin", "*");
  try {
    if (resource === undefined) throw ApiError.coded(404, 404, `path ${exchange.path} was not found`);
    await serveResource(exchange, resource, context, decodedParameter(resource.parameterIn(tidy) ?? ""));
  } catch (error) {
    answerError(exchange, error);
  }
  return name;
}

async function serveResource(
  exchange: Exchange,
  resource: Resource,
  context: ApiContext,
  parameter: string,
): Promise<void> {
  const handler = resource.handlers.get(exchange.method);
  if (handler === undefined) {
    const allowed = [...resource.handlers.keys()].join(",");
    exchange.setHeader("Allow", allowed);
    throw ApiError.coded(405, 405, `method ${exchange.method} is not allowed, but [${allowed}] are`);
  }
  if (exchange.method === "POST") checkContentType(exchange);
  checkAccept(exchange);
  await handler(exchange, context, parameter);
}

function checkContentType(exchange: Exchange): void {
  const type = exchange.header("content-type").split(";")[0]?.trim().toLowerCase() || "application/octet-stream";
  if (type !== "application/json")
    throw ApiError.coded(
      415,
      415,
      `unsupported media type ${JSON.stringify(type)}, only [application/json] are allowed`,
    );
}

/** Whoever asks for something else only is told that there is JSON; a POST that is answered by nothing is not asked. */
function checkAccept(exchange: Exchange): void {
  const accept = exchange.header("accept");
  if (accept === "" || exchange.method !== "GET") return;
  const takesJson = accept
    .split(",")
    .some((part) =>
      ["*/*", "application/*", "application/json"].includes(part.split(";")[0]?.trim().toLowerCase() ?? ""),
    );
  if (!takesJson)
    throw ApiError.coded(406, 406, "unsupported media type requested, only [application/json] are available");
}

function answerPreflight(exchange: Exchange): void {
  exchange.setHeader("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  const method = exchange.header("access-control-request-method").toUpperCase();
  if (exchange.header("origin") !== "" && ["GET", "POST", "HEAD"].includes(method)) {
    exchange.setHeader("Access-Control-Allow-Origin", "*");
    exchange.setHeader("Access-Control-Allow-Methods", method);
    const headers = exchange.header("access-control-request-headers");
    if (headers !== "") exchange.setHeader("Access-Control-Allow-Headers", headers);
  }
  exchange.empty(204);
}

/** Answers a refusal in its shape; anything else is a mistake of ours, and goes on to whoever logs it. */
function answerError(exchange: Exchange, error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  const { status, code, message } = error;
  const body = code === 0 ? message : { code, message };
  // Messages that are texts alone end with a line end, as the encoder of the reference writes them.
  exchange.json(status, code === 0 ? `${goJson(body, false)}\n` : goJson(body));
}
