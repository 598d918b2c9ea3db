export { type ProxyRule, proxyRule } from "@narthex/toolkit";
