import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { Gauge, Histogram, Registry } from "../index.ts";
import { GraphiteBridge } from "./index.ts";

test("Graphite: labels in the path or as tags, nothing that is no number", async () => {
  const registry = new Registry();
  const registers = [registry];
  const gauge = new Gauge({ name: "g", help: "h", labelNames: ["a"], registers });
  gauge.set({ a: "x.y z" }, 1.5);
  gauge.set({ a: "nan" }, NaN);
  new Histogram({ name: "h", help: "h", buckets: [0.5], registers }).observe(2);
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const pushed = async (tags: boolean): Promise<string> => {
    const arrived = once(server, "connection") as Promise<[Socket]>;
    const now = () => 1_700_000_000_400;
    const push = new GraphiteBridge({ host: "127.0.0.1", port, registry, prefix: "app", tags, now }).push();
    const [socket] = await arrived;
    let text = "";
    for await (const chunk of socket) text += chunk;
    socket.end();
    await push;
    return text;
  };
  assert.equal(
    await pushed(false),
    `app.g.a.x_y_z 1.5 1700000000
app.h_bucket.le.0_5 0 1700000000
app.h_bucket.le._Inf 1 1700000000
app.h_sum 2 1700000000
app.h_count 1 1700000000
`,
  );
  assert.match(await pushed(true), /^app\.g;a=x_y_z 1\.5 1700000000\napp\.h_bucket;le=0_5 0 /);
  server.close();
  await once(server, "close");
  await assert.rejects(new GraphiteBridge({ host: "127.0.0.1", port, registry }).push(), /ECONNREFUSED/);
});
