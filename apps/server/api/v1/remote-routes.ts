// The remote protocols' endpoints and federation: they answer plain text and protobuf, not the API's envelope.
import type { OtlpReceiver } from "../../otlp/otlp-receiver.ts";
import type { ReadHandler } from "../../remote/read/read-handler.ts";
import type { WriteReceiver } from "../../remote/receive/write-receiver.ts";
import type { Handler, WebServer } from "../../web/web-server.ts";
import type { Federation } from "../federate.ts";

export interface RemoteRoutes {
  readonly write: WriteReceiver;
  readonly read: ReadHandler;
  readonly otlp: OtlpReceiver;
  readonly federation: Federation;
  /** What the storage of an agent says to those who want to read; undefined in a server. */
  readonly unsupported: string | undefined;
}

const BASE = "/api/v1";

export function addRemoteRoutes(
  web: Pick<WebServer, "route">,
  { write, read, otlp, federation, unsupported }: RemoteRoutes,
): void {
  // Nothing that a page would read.
  const closed = { isShared: false };
  web.route(`${BASE}/write`, ["POST"], (call) => write.handle(call), closed);
  const orRefuse = (handler: Handler): Handler =>
    unsupported === undefined ? handler : (call) => call.refuse(500, unsupported);
  const answerRead = orRefuse((call) => read.handle(call));
  web.route(`${BASE}/read`, ["POST"], answerRead, closed);
  web.route(`${BASE}/otlp/v1/metrics`, ["POST"], (call) => otlp.handle(call), closed);
  const federate = orRefuse((call) => federation.handle(call));
  web.route("/federate", ["GET"], federate);
}
