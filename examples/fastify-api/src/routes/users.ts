// Something to ask for.
import type { FastifyPluginAsync } from "fastify";

const USERS = new Map([
  ["1", { id: "1", name: "Ada" }],
  ["2", { id: "2", name: "Grace" }],
]);

const users: FastifyPluginAsync = async (fastify) => {
  fastify.get("/users", async () => [...USERS.values()]);
  fastify.get<{ Params: { id: string } }>("/users/:id", async ({ params }, reply) => {
    const user = USERS.get(params.id);
    return user ?? reply.code(404).send({ message: `there is no user ${JSON.stringify(params.id)}` });
  });
};

export default users;
