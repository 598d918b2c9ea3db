import { build, install } from "./lib/bootstrap.mjs";

install();
build();
