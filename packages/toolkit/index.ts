export { ConfigUrl, SECRET_MASK, Secret } from "./secret/secret.ts";
