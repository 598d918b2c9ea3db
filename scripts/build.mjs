import { build, install } from "./lib/bootstrap.mjs";

install();
await build();
