// Tokens of OpenStack and the catalog of services that comes with them. Source: Identity API v3, "Authentication and
// token management".
import {
  type ApiClient,
  type ApiRequest,
  EMPTY_SECRET,
  type JsonObject,
  objectOf,
  objectsOf,
  Secret,
  statusError,
  textOf,
} from "@narthex/toolkit";
import type { OpenstackIdentity } from "./openstack-body.ts";

/** What a token is good for. */
export interface OpenstackSession {
  readonly token: string;
  readonly catalog: readonly JsonObject[];
}

/** Asks for a token. Throws when there is none to be had. */
export async function authenticate(
  client: ApiClient,
  identity: OpenstackIdentity,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<OpenstackSession> {
  const base = identity.identityEndpoint.replace(/\/+$/, "");
  if (/\/v2(\.0)?$/.test(base)) throw new Error("version 2 of the identity API is not supported: use version 3");
  const request: ApiRequest = {
    url: new URL(`${/\/v3$/.test(base) ? base : `${base}/v3`}/auth/tokens`),
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(authOf(identity)),
    secrets: [identity.password.reveal(), identity.applicationCredentialSecret.reveal()],
    timeoutMs,
    signal,
  };
  const answer = await client.ask(request);
  if (answer.status !== 201 && answer.status !== 200) throw statusError(answer, request);
  const token = answer.headers["x-subject-token"];
  if (typeof token !== "string" || token === "") throw new Error("identity service sent no token");
  let value: unknown;
  try {
    value = JSON.parse(answer.text);
  } catch (error) {
    throw new Error("answer of the identity service is no valid JSON", { cause: error });
  }
  const catalog = objectsOf(objectOf(objectOf(value, "answer")["token"], "token")["catalog"], "catalog");
  return { token, catalog };
}

/** The URL of a service, with a slash at its end. Throws when the catalog has none for the region. */
export function endpointOf(catalog: readonly JsonObject[], type: string, region: string, availability: string): string {
  for (const service of catalog) {
    if (textOf(service["type"], "service type") !== type) continue;
    for (const endpoint of objectsOf(service["endpoints"], "endpoints")) {
      const isThere =
        textOf(endpoint["region"], "region") === region || textOf(endpoint["region_id"], "region_id") === region;
      if (!isThere || textOf(endpoint["interface"], "interface") !== availability) continue;
      return `${textOf(endpoint["url"], "endpoint url").replace(/\/+$/, "")}/`;
    }
  }
  throw new Error(`no ${availability} endpoint of the service ${type} in region ${JSON.stringify(region)}`);
}

/** Who asks, as the environment says it. Throws for what is missing. */
export function identityOfEnvironment(environment: Readonly<Record<string, string | undefined>>): OpenstackIdentity {
  const text = (...names: string[]) => names.map((name) => environment[name] ?? "").find((value) => value !== "") ?? "";
  const secret = (name: string) => (text(name) === "" ? EMPTY_SECRET : new Secret(text(name)));
  const identity: OpenstackIdentity = {
    identityEndpoint: text("OS_AUTH_URL"),
    username: text("OS_USERNAME"),
    userid: text("OS_USERID", "OS_USER_ID"),
    password: secret("OS_PASSWORD"),
    projectName: text("OS_PROJECT_NAME", "OS_TENANT_NAME"),
    projectId: text("OS_PROJECT_ID", "OS_TENANT_ID"),
    domainName: text("OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME"),
    domainId: text("OS_DOMAIN_ID", "OS_USER_DOMAIN_ID"),
    applicationCredentialName: text("OS_APPLICATION_CREDENTIAL_NAME"),
    applicationCredentialId: text("OS_APPLICATION_CREDENTIAL_ID"),
    applicationCredentialSecret: secret("OS_APPLICATION_CREDENTIAL_SECRET"),
  };
  if (identity.identityEndpoint === "") throw new Error("Missing environment variable [OS_AUTH_URL]");
  const hasCredential = identity.applicationCredentialId !== "" || identity.applicationCredentialName !== "";
  if (!hasCredential && identity.userid === "" && identity.username === "") {
    throw new Error("Missing one of the following environment variables [OS_USERID, OS_USERNAME]");
  }
  if (!hasCredential && identity.password.isEmpty) throw new Error("Missing environment variable [OS_PASSWORD]");
  return identity;
}

function authOf(identity: OpenstackIdentity): object {
  const { username, userid, password, projectName, projectId, applicationCredentialSecret } = identity;
  const { applicationCredentialId: id, applicationCredentialName: name } = identity;
  const domain = identity.domainId === "" ? { name: identity.domainName } : { id: identity.domainId };
  const user = userid === "" ? { name: username, domain } : { id: userid };
  if (id !== "" || name !== "") {
    // Such a credential belongs to one project: naming another is not allowed.
    const secret = applicationCredentialSecret.reveal();
    const credential = id === "" ? { name, user, secret } : { id, secret };
    return { auth: { identity: { methods: ["application_credential"], application_credential: credential } } };
  }
  const scope =
    projectId !== ""
      ? { scope: { project: { id: projectId } } }
      : projectName !== ""
        ? { scope: { project: { name: projectName, domain } } }
        : {};
  const byPassword = { methods: ["password"], password: { user: { ...user, password: password.reveal() } } };
  return { auth: { identity: byPassword, ...scope } };
}
