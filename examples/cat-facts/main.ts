// Starts the app: `npm start`, on PORT (8000).
import { makeApp } from "./src/app.ts";

const app = await makeApp();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void app.close());
try {
  await app.listen({ host: process.env["HOST"] ?? "0.0.0.0", port: Number(process.env["PORT"] ?? 8000) });
} catch (error) {
  app.log.error(error);
  process.exitCode = 1;
  await app.close();
}
