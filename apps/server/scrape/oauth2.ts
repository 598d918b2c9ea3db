export { TokenSource } from "@narthex/toolkit";
