// `host:port`, as Go splits it.
import { type Codec, yamlCodec } from "@narthex/toolkit";

const { text } = yamlCodec;

/** The text as it was written; "" for none. */
export const hostPort: Codec<string> = {
  ...text,
  decode(node, reader) {
    const address = text.decode(node, reader);
    const problem = address === "" ? undefined : hostPortProblem(address);
    if (problem !== undefined) reader.invalid(node.at, problem);
    return address;
  },
};

function hostPortProblem(address: string): string | undefined {
  const colon = address.lastIndexOf(":");
  if (colon < 0) return `address ${address}: missing port in address`;
  const host = address.slice(0, colon);
  if (host.startsWith("[") ? !host.endsWith("]") : host.includes(":"))
    return `address ${address}: too many colons in address`;
  return colon === address.length - 1 ? `address ${JSON.stringify(address)}: port cannot be empty` : undefined;
}

/** Splits what `hostPort` has accepted. */
export function splitHostPort(address: string): { readonly host: string; readonly port: string } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: address.slice(colon + 1) };
}
