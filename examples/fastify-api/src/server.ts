// The server: every plugin of the integrations' folder, then every route.
import fastify, { type FastifyInstance } from "fastify";
import { loadFolder } from "./load-folder.ts";

/** Makes the server; it does not listen yet. */
export async function initServer(): Promise<FastifyInstance> {
  const server = fastify({ logger: { level: process.env["LOG_LEVEL"] ?? "info" } });
  await loadFolder(server, new URL("./plugins/integrations", import.meta.url));
  await loadFolder(server, new URL("./routes", import.meta.url));
  return server;
}
