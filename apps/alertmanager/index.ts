export { amtool } from "./amtool/amtool.ts";
export { main } from "./main.ts";
