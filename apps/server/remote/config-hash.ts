// The hash by which endpoints of remote storage are told apart.
import { createHash } from "node:crypto";
import { emitYaml, type YamlValue } from "@narthex/toolkit";

/**
 * Tells the encoded configurations of endpoints apart, secrets aside, and names those without a name: as in the reference, the MD5 of
 * the YAML, in hexadecimal.
 */
export function configHash(encoded: YamlValue): string {
  return createHash("md5").update(emitYaml(encoded)).digest("hex");
}
