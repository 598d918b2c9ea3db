// Starts the app: `npm start`, on PORT (3001).
import { makeApp } from "./src/app.ts";

const port = Number(process.env["PORT"] ?? 3001);
const server = makeApp().listen(port, process.env["HOST"] ?? "0.0.0.0", (error) => {
  if (error === undefined) process.stderr.write(`listening on port ${port}\n`);
  else {
    process.stderr.write(`cannot listen on port ${port}: ${error.message}\n`);
    process.exitCode = 1;
  }
});
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
