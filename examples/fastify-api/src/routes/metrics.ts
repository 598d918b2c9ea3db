// What the monitoring server scrapes.
import type { FastifyPluginAsync } from "fastify";

const metrics: FastifyPluginAsync = async (fastify) => {
  fastify.get("/metrics", async (request, reply) => {
    const { body, contentType } = await fastify.prometheus.monitor.getMetrics(request.headers.accept);
    return reply.header("Content-Type", contentType).send(body);
  });
};

export default metrics;
