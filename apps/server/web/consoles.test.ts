import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Labels } from "@narthex/model";
import { Call } from "./call.ts";
import { addConsoles, consolesLink } from "./consoles.ts";
import type { Handler } from "./web-server.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-consoles-"));
const templates = join(folder, "consoles");
const libraries = join(folder, "libraries");
const asked: string[] = [];
let server: Server;
let handle: Handler = () => undefined;

before(async () => {
  mkdirSync(join(templates, "sub"), { recursive: true });
  mkdirSync(libraries);
  writeFileSync(join(libraries, "a.lib"), '{{ define "head" }}<head>{{ . }}</head>{{ end }}');
  writeFileSync(join(libraries, "note.txt"), "{{ not read }}");
  writeFileSync(join(folder, "secret.html"), "secret");
  addConsoles(
    { route: (_path, _methods, handler) => (handle = handler) },
    {
      templates,
      libraries,
      externalUrl: "http://outside/prefix",
      externalPath: "/prefix",
      externalLabels: () => new Map([["zone", "z"]]),
      query: async (expr) => {
        asked.push(expr);
        await new Promise((resolve) => setImmediate(resolve));
        if (expr === "bad") throw new Error("1:1: parse error: bad");
        return [{ labels: Labels.fromUnsorted([["x", "y"]]), value: 7, histogram: undefined }];
      },
      now: () => 1_000_000,
    },
  );
  server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "").split("?")[0] ?? "").replace("/consoles/", "");
    void handle(new Call(request, response, { "*": path }, Buffer.alloc(0)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function show(name: string, source: string | undefined, query = ""): Promise<[status: number, body: string]> {
  if (source !== undefined) writeFileSync(join(templates, name), source);
  const { port } = server.address() as AddressInfo;
  const reply = await fetch(`http://127.0.0.1:${port}/consoles/${encodeURIComponent(name)}${query}`);
  return [reply.status, await reply.text()];
}

test("a console has the libraries' templates, the address's parameters, external labels and queries", async () => {
  const source =
    '{{ template "head" "T" }}{{ .Path }} {{ .Params.q }} {{ $params.q }} {{ range query "a" }}{{ .Labels.x }}={{ .Value }}{{ end }} ' +
    '{{ $externalLabels.zone }} {{ "<x>" }} {{ safeHtml "<y>" }} {{ pathPrefix }} {{ externalURL }} {{ .RawParams.q }}{{ range .RawParams.none }}no{{ end }} {{ now }}';
  assert.deepEqual(await show("t.html", source, "?q=%3C1&q=2"), [
    200,
    "<head>T</head>t.html &lt;1 &lt;1 y=7 z &lt;x&gt; <y> /prefix http://outside/prefix [&lt;1 2] 1000",
  ]);
});

test("each query is asked once, whatever it takes to come to it", async () => {
  asked.length = 0;
  const source =
    '{{ range query "list" }}{{ query .Labels.x | first | value }}{{ end }}{{ tmpl "head" (query "a" | first | value) }}{{ query "a" | len }}';
  assert.deepEqual(await show("q.html", source), [200, "7<head>7</head>1"]);
  assert.deepEqual(asked, ["list", "y", "a"]);
});

test("what is wrong with a console is said; what is outside of the folder does not exist", async () => {
  assert.deepEqual(await show("bad.html", "{{ foo }}"), [
    500,
    'error parsing template __console_/bad.html: template: __console_/bad.html:1: function "foo" not defined\n',
  ]);
  const [status, text] = await show("err.html", '{{ query "bad" }}');
  assert.equal(status, 500);
  assert.match(
    text,
    /^error executing template __console_\/err\.html: .*error calling query: 1:1: parse error: bad\n$/,
  );
  for (const name of ["nope.html", "sub", "", "../secret.html"]) {
    const [refused, body] = await show(name, undefined);
    assert.deepEqual([refused, body.endsWith(": no such file or directory\n")], [404, true], name);
  }
});

test("the page's menu leads to an index of the consoles, else to one of the operator's own files", () => {
  assert.equal(consolesLink(templates, ""), "");
  writeFileSync(join(folder, "index.html"), "");
  assert.equal(consolesLink(templates, folder), "/user/index.html");
  writeFileSync(join(templates, "index.html"), "");
  assert.equal(consolesLink(templates, folder), "/consoles/index.html");
});
