import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type Logger, silentLogger } from "@narthex/toolkit";
import type { TracingConfig } from "./config.ts";
import { GrpcExporter } from "./grpc-exporter.ts";
import { HttpExporter } from "./http-exporter.ts";
import { nameServerSpan, startServerSpan } from "./http-spans.ts";
import type { Span } from "./span.ts";
import { ExportError, type SpanExporter } from "./span-exporter.ts";
import { FakeCollector } from "./testing.ts";
import { Tracing } from "./tracing.ts";

const never = new AbortController().signal;

function tracingOf(logger: Logger = silentLogger): Tracing {
  return new Tracing({ service: "prometheus", version: "3.14.0", logger });
}

function exporterOf(config: TracingConfig): SpanExporter {
  const options = { config, userAgent: "test", environment: {} };
  return config.clientType === "http" ? new HttpExporter(options) : new GrpcExporter(options);
}

async function failureOf(exporter: SpanExporter, signal = never): Promise<ExportError> {
  const error = await exporter.send(new Uint8Array(0), signal).catch((reason: unknown) => reason);
  assert.ok(error instanceof ExportError);
  return error;
}

for (const kind of ["http", "grpc"] as const) {
  for (const compression of ["", "gzip"] as const) {
    test(`${kind}${compression === "" ? "" : ", gzip"}: spans reach the collector when tracing stops, with all headers`, async () => {
      const collector = await FakeCollector.start(kind);
      const tracing = tracingOf();
      tracing.apply(collector.config({ compression, headers: new Map([["X-Scope", "one"]]) }));
      const span = tracing.tracer.start("work", { attributes: { a: 1 } }) as Span;
      span.child("part", { kind: "client" }).end();
      span.end();
      await tracing.stop();
      assert.deepEqual(
        collector.spans.map(({ name, parentId, attributes }) => [name, parentId, attributes]),
        [
          ["part", span.spanId, {}],
          ["work", "", { a: 1 }],
        ],
      );
      const [{ headers, path, spans }] = collector.requests as [(typeof collector.requests)[0]];
      assert.equal(headers["x-scope"], "one");
      assert.match(String(headers["user-agent"]), /^Narthex-OTLP\//);
      const encoding = headers[kind === "http" ? "content-encoding" : "grpc-encoding"];
      assert.equal(encoding, compression === "" ? undefined : "gzip");
      assert.equal(
        path,
        kind === "http" ? "/v1/traces" : "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
      );
      const { resource, scope } = spans[0] as (typeof spans)[0];
      assert.deepEqual([resource["service.name"], resource["service.version"]], ["prometheus", "3.14.0"]);
      assert.equal(scope, "@narthex/tracing");
      assert.equal(tracing.tracer.start("after the stop"), undefined);
    });
  }

  test(`${kind}: a large batch arrives whole, and a connection serves many`, async () => {
    const collector = await FakeCollector.start(kind);
    const tracing = tracingOf();
    tracing.apply(collector.config());
    for (let i = 0; i < 600; i++) tracing.tracer.start("work", { attributes: { text: "x".repeat(1000) } })?.end();
    await tracing.stop();
    assert.deepEqual(
      collector.requests.map(({ spans }) => spans.length),
      [512, 88],
    );
  });

  test(`${kind}: a collector that is silent is given up after the timeout, one that is gone at once`, async () => {
    const collector = await FakeCollector.start(kind);
    collector.answer = () => ({ status: kind === "http" ? 0 : -1 });
    const exporter = exporterOf(collector.config({ timeoutMs: 50 }));
    const late = await failureOf(exporter);
    assert.match(late.message, /context deadline exceeded/);
    assert.equal(late.isTransient, true);
    collector.close();
    const gone = await failureOf(exporter);
    assert.match(gone.message, /connection refused/);
    assert.equal(gone.isTransient, true);
    exporter.close();
  });

  test(`${kind}: what is called off ends at once`, async () => {
    const collector = await FakeCollector.start(kind);
    collector.answer = () => ({ status: kind === "http" ? 0 : -1 });
    const exporter = exporterOf(collector.config());
    const aborter = new AbortController();
    const failing = failureOf(exporter, aborter.signal);
    await collector.until(() => collector.requests.length === 1);
    aborter.abort();
    assert.match((await failing).message, /context canceled/);
    exporter.close();
  });

  test(`${kind}: after the collector was restarted the next request connects anew`, async () => {
    const first = await FakeCollector.start(kind);
    const exporter = exporterOf(first.config());
    await exporter.send(new Uint8Array(0), never);
    first.close();
    assert.equal((await failureOf(exporter)).isTransient, true);
    exporter.close();
  });
}

test("stop: an unreachable collector costs the spans that wait, and no time", async () => {
  const collector = await FakeCollector.start("grpc");
  const logged: string[] = [];
  const tracing = tracingOf({ ...silentLogger, error: (message) => void logged.push(message) });
  tracing.apply(collector.config());
  collector.close();
  for (let i = 0; i < 600; i++) tracing.tracer.start("lost")?.end();
  const began = performance.now();
  await tracing.stop();
  assert.ok(performance.now() - began < 2000);
  assert.deepEqual(logged, ["Sending spans to the tracing collector failed"]);
});

test("http: statuses that say later are worth another attempt, all others are not", async () => {
  const collector = await FakeCollector.start("http");
  const exporter = exporterOf(collector.config());
  for (const [status, isTransient] of [
    [429, true],
    [503, true],
    [400, false],
    [500, false],
  ] as const) {
    collector.answer = () => ({
      status,
      headers: { "Retry-After": "7", "Content-Type": "text/plain" },
      body: Buffer.from("no\n"),
    });
    const failure = await failureOf(exporter);
    assert.equal(failure.isTransient, isTransient, String(status));
    assert.equal(failure.retryAfterMs, 7000);
    assert.match(failure.message, new RegExp(`^failed to send to http://127.0.0.1:\\d+/v1/traces: ${status} .*: no$`));
  }
  exporter.close();
});

test("grpc: codes that say later are worth another attempt, all others are not", async () => {
  const collector = await FakeCollector.start("grpc");
  const exporter = exporterOf(collector.config());
  for (const [status, isTransient, name] of [
    [14, true, "Unavailable"],
    [3, false, "InvalidArgument"],
    [12, false, "Unimplemented"],
  ] as const) {
    collector.answer = () => ({ status, headers: { "grpc-message": "not%20now" } });
    const failure = await failureOf(exporter);
    assert.equal(failure.isTransient, isTransient, name);
    assert.equal(failure.message, `rpc error: code = ${name} desc = not now`);
  }
  exporter.close();
});

test("reload: the exporter stays while nothing changed, and what it had is sent when it is replaced or switched off", async () => {
  const first = await FakeCollector.start("http");
  const second = await FakeCollector.start("grpc");
  const logged: string[] = [];
  const tracing = tracingOf({ ...silentLogger, info: (message) => void logged.push(message) });
  tracing.apply(undefined);
  assert.equal(tracing.tracer.isOn, false);
  tracing.apply(first.config());
  tracing.tracer.start("one")?.end();
  tracing.apply(first.config());
  assert.deepEqual(logged, ["Tracing is on"]);
  tracing.apply(second.config());
  tracing.tracer.start("two")?.end();
  tracing.apply(undefined);
  await tracing.stop();
  assert.deepEqual(
    [first.spans, second.spans].map((spans) => spans.map(({ name }) => name)),
    [["one"], ["two"]],
  );
  assert.deepEqual(logged, ["Tracing is on", "Tracing is on", "Tracing is off"]);
});

test("reload: a configuration that cannot be used leaves the one before in force", async () => {
  const collector = await FakeCollector.start("http");
  const tracing = tracingOf();
  tracing.apply(collector.config());
  assert.throws(
    () => tracing.apply(collector.config({ endpoint: "http://localhost:4318/v1/traces" })),
    /^Error: tracing endpoint "http:\/\/localhost:4318\/v1\/traces" is no host:port$/,
  );
  const { tls } = collector.config();
  assert.throws(
    () => tracing.apply(collector.config({ insecure: false, tls: { ...tls, caFile: "/nowhere/ca.pem" } })),
    /unable to read file \/nowhere\/ca\.pem/,
  );
  tracing.tracer.start("still")?.end();
  await tracing.stop();
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ["still"],
  );
});

test("HTTP server: a request's span goes on with its caller's trace and tells how it was answered", async (t) => {
  const collector = await FakeCollector.start("http");
  const tracing = tracingOf();
  tracing.apply(collector.config({ samplingFraction: 0 }));
  const server = createServer((request, response) => {
    const span = startServerSpan(tracing.tracer, request, response);
    if (span !== undefined && request.url !== "/nobody") nameServerSpan(span, request.method ?? "", "/things/:id");
    response.statusCode = request.url === "/things/2" ? 503 : 200;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  for (const path of ["/things/1?x=y", "/things/2", "/nobody"]) await fetch(url + path, { headers: { traceparent } });
  await fetch(`${url}/things/3`);
  await tracing.stop();
  const { attributes } = collector.spans[0] as (typeof collector.spans)[0];
  assert.deepEqual([attributes["server.address"], attributes["server.port"]], ["127.0.0.1", Number(new URL(url).port)]);
  assert.deepEqual(
    collector.spans.map(({ name, parentId, attributes, status, kind }) => [
      name,
      kind,
      parentId,
      attributes["url.path"],
      attributes["http.response.status_code"],
      status.code,
    ]),
    [
      ["GET /things/:id", "server", "b7ad6b7169203331", "/things/1", 200, 0],
      ["GET /things/:id", "server", "b7ad6b7169203331", "/things/2", 503, 2],
      ["GET", "server", "b7ad6b7169203331", "/nobody", 200, 0],
    ],
  );
});
