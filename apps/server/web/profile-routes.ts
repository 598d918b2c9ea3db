// `/debug/pprof/`: profiles of the running server.
import { ProfilePages } from "@narthex/profiling";
import type { WebServer } from "./web-server.ts";

const BELOW = "/debug/pprof/";

export function addProfileRoutes(web: WebServer): void {
  const pages = new ProfilePages();
  web.route(
    `${BELOW}*`,
    ["GET"],
    async (call) => {
      const { searchParams } = new URL(call.request.url ?? "", "http://localhost");
      const answer = await pages.answer(call.pathParams["*"] ?? "", searchParams, call.signal);
      if (answer.fileName !== undefined)
        call.response.setHeader("Content-Disposition", `attachment; filename="${answer.fileName}"`);
      call.send(answer.status, answer.contentType, answer.body);
    },
    { needsReady: false },
  );
}
