// What the API is, for machines and for people.

/** The API's description. */
export const OPENAPI = {
  openapi: "3.1.0",
  info: { title: "Cat facts", version: "0.1.0", description: "Facts about cats, one at a time." },
  paths: {
    "/cat_facts": {
      get: {
        summary: "A fact about cats",
        responses: {
          "200": {
            description: "A random fact",
            content: { "text/plain": { schema: { type: "string" }, example: "A group of cats is called a clowder." } },
          },
        },
      },
    },
    "/metrics": {
      get: {
        summary: "Metrics of this app",
        responses: {
          "200": {
            description: "Text format 0.0.4 or 1.0.0, OpenMetrics 1.0 or protobuf",
            content: { "text/plain": { schema: { type: "string" } } },
          },
        },
      },
    },
  },
} as const;

/** The page at `/docs`: reads the description from beside it, and tries the paths out. Nothing comes from elsewhere. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cat facts: API</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 0 auto; padding: 1rem; }
section { border: 1px solid light-dark(#d5d2cb, #3a3f49); border-radius: 0.5rem; padding: 0.75rem 1rem; margin: 1rem 0; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
h2 b { background: light-dark(#1d5c8a, #2a6ea3); color: #fff; border-radius: 0.3rem; padding: 0.1rem 0.5rem; }
button { font: inherit; padding: 0.25rem 0.8rem; }
pre { overflow: auto; max-height: 20rem; background: light-dark(#f4f2ee, #22262d); padding: 0.5rem; border-radius: 0.3rem; }
</style>
</head>
<body>
<h1>Cat facts</h1>
<p><a href="openapi.json">openapi.json</a></p>
<main></main>
<script src="docs.js"></script>
</body>
</html>
`;

export const DOCS_SCRIPT = `"use strict";
const add = (parent, tag, text) => {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text ?? "";
  return element;
};
(async () => {
  const { info, paths } = await (await fetch("openapi.json")).json();
  document.querySelector("h1").textContent = info.title + " " + info.version;
  const main = document.querySelector("main");
  add(main, "p", info.description);
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { summary, responses }] of Object.entries(methods)) {
      const section = add(main, "section");
      const head = add(section, "h2");
      add(head, "b", method.toUpperCase());
      head.append(" " + path);
      add(section, "p", summary);
      for (const [status, { description }] of Object.entries(responses)) add(section, "p", status + ": " + description);
      const button = add(section, "button", "Try it");
      const out = add(section, "pre");
      out.hidden = true;
      button.onclick = async () => {
        const answer = await fetch("." + path, { method: method.toUpperCase() });
        out.hidden = false;
        out.textContent = answer.status + "\\n" + (await answer.text());
      };
    }
  }
})();
`;
