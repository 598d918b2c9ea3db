// A small shop: requests measured by the middleware, sales by a counter of its own, calls of the till by hypertrace.
import { Counter } from "@narthex/client";
import expressMetrics from "@narthex/express";
import { createTracer, HypertracePrometheus, setTraceFunction } from "@narthex/hypertrace";
import express, { type Express } from "express";

const PRICES = new Map([
  ["hat", 30],
  ["coat", 120],
]);

/** Takes the money. Each call is counted, by method and by the props of its till. */
class Till {
  readonly #tracer = createTracer(this, { props: { shop: "main" } });

  /** The price in euros; undefined for what is not sold here. */
  sell(item: string): number | undefined {
    this.#tracer.trace("sell");
    const price = PRICES.get(item);
    if (price === undefined) this.#tracer.trace("refuse");
    return price;
  }
}

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
  const { register } = metrics.promClient;
  // Before the till is made: who is made without a trace function is never traced.
  setTraceFunction(
    HypertracePrometheus({
      register,
      collectDefaults: false,
      allowedProps: ["shop"],
      // They have many values.
      omitLabels: ["object_id", "caller_filename"],
    }),
  );
  const till = new Till();
  app.use(metrics);
  app.get("/items", (_request, response) => void response.json([...PRICES.keys()]));
  app.post("/items/:item/sales", (request, response) => {
    const { item } = request.params;
    const price = till.sell(item);
    if (price === undefined) {
      response.status(404).json({ message: "there is no such item" });
      return;
    }
    sales.inc({ item }, price);
    response.status(201).json({ item, price });
  });
  return app;
}
