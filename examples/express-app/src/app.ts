// A small shop: requests measured by the middleware, sales by a counter of its own.
import { Counter } from "@narthex/client";
import expressMetrics from "@narthex/express";
import express, { type Express } from "express";

const PRICES = new Map([
  ["hat", 30],
  ["coat", 120],
]);

/** Makes the app; it does not listen yet. */
export function makeApp(): Express {
  const app = express();
  const metrics = expressMetrics({ includeMethod: true, includePath: true, promClient: { collectDefaultMetrics: {} } });
  const sales = new Counter({
    name: "shop_sales_euros_total",
    help: "Sales in euros.",
    labelNames: ["item"],
    registers: [metrics.promClient.register],
  });
  app.use(metrics);
  app.get("/items", (_request, response) => void response.json([...PRICES.keys()]));
  app.post("/items/:item/sales", (request, response) => {
    const { item } = request.params;
    const price = PRICES.get(item);
    if (price === undefined) {
      response.status(404).json({ message: "there is no such item" });
      return;
    }
    sales.inc({ item }, price);
    response.status(201).json({ item, price });
  });
  return app;
}
