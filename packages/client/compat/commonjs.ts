// What `require` returns: the object itself, as prom-client's callers expect.
export { default } from "./client.ts";
