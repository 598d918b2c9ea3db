// `npm start`: everything that exists so far, as one process tree, with an embedded default configuration.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { build, install, root } from "./lib/bootstrap.mjs";

install();
await build();
const server = spawn(join(root, "node_modules/.bin/narthex"), ["start", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => server.kill(signal));
server.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" || signal === "SIGTERM" ? 0 : 1)));
