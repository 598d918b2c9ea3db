// Starts the API: `npm start`, on PORT (3000) of SERVER_HOST (every interface).
import { serverAddress } from "@narthex/fastify";
import { initServer } from "./src/server.ts";

const server = await initServer();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void server.close());
try {
  await server.listen(serverAddress(process.env));
} catch (error) {
  server.log.error(error);
  process.exitCode = 1;
  await server.close();
}
