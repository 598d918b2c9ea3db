// A scrape target on loopback whose pages a test decides.
import { createServer } from "node:http";

/** Serves `answer(request, response)`, or the text that it returns; `test` closes it at the end. Resolves with its address. */
export async function startTarget(test, answer) {
  const server = createServer((request, response) => {
    const text = answer(request, response);
    if (typeof text !== "string") return;
    response.setHeader("Content-Type", "text/plain; version=0.0.4");
    response.end(text);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

/** A configuration that scrapes the given addresses, one job each by default. */
export function configFor(jobs, intervalText = "1s") {
  const entries = Object.entries(jobs).map(
    ([name, addresses]) => `  - job_name: ${name}
    static_configs: [{targets: ${JSON.stringify([addresses].flat())}}]\n`,
  );
  return `global: {scrape_interval: ${intervalText}, scrape_timeout: ${intervalText}}\nscrape_configs:\n${entries.join("")}`;
}
