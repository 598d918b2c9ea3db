// The remote protocols' endpoints: they answer plain text and protobuf, not the API's envelope.
import type { WriteReceiver } from "../../remote/receive/write-receiver.ts";
import type { WebServer } from "../../web/web-server.ts";

export interface RemoteRoutes {
  readonly write: WriteReceiver;
}

const BASE = "/api/v1";

export function addRemoteRoutes(web: WebServer, { write }: RemoteRoutes): void {
  web.route(`${BASE}/write`, ["POST"], (call) => write.handle(call));
}
