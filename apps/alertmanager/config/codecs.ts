// Readers of the values that only the Alertmanager's configuration has.
import { parseTemplate, TemplateError } from "@narthex/template";
import {
  type Codec,
  ConfigUrl,
  goDuration,
  parseGoDuration,
  reportMismatch,
  SECRET_MASK,
  Secret,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import { isTemplateFunction } from "../template/functions.ts";

const { text } = yamlCodec;

/** What keeps an address from being one of an HTTP service; undefined when nothing does. */
export function httpUrlProblem(address: string): string | undefined {
  const syntax = urlSyntaxProblem(address);
  if (syntax !== undefined) return syntax;
  const [, scheme = "", rest = address] = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(address) ?? [];
  if (scheme.toLowerCase() !== "http" && scheme.toLowerCase() !== "https")
    return `unsupported scheme "${scheme}" for URL`;
  const host = /^\/\/([^/?#]*)/.exec(rest)?.[1]?.replace(/^.*@/, "") ?? "";
  return host === "" ? "missing host for URL" : undefined;
}

function urlSyntaxProblem(address: string): string | undefined {
  const problems: string[] = [];
  const reader = { invalid: (_at: unknown, message: string) => problems.push(message) };
  const node = { kind: "scalar", text: address, plain: false, at: { line: 1, column: 1 } } as const;
  yamlCodec.url.decode(node, reader as unknown as YamlReader);
  return problems[0];
}

/** The address of a service. */
export const httpUrl: Codec<ConfigUrl | undefined> = {
  ...yamlCodec.url,
  decode(node, reader) {
    const address = text.decode(node, reader);
    const problem = httpUrlProblem(address);
    if (problem !== undefined) reader.invalid(node.at, problem);
    return new ConfigUrl(address);
  },
  encode: (value) => (value === undefined ? null : encodedUrl(value.toString())),
};

/** The address of a service that carries a secret: never shown. The mask reads as an empty one, so that read-backs load. */
export const secretUrl: Codec<ConfigUrl | undefined> = {
  ...httpUrl,
  decode(node, reader) {
    const address = text.decode(node, reader);
    if (address === SECRET_MASK) return new ConfigUrl("");
    const problem = httpUrlProblem(address);
    if (problem !== undefined) reader.invalid(node.at, withoutAddress(problem, address));
    return new ConfigUrl(address);
  },
  encode: (value) => (value === undefined ? null : SECRET_MASK),
};

/** The same, where the address may be a template. */
export const secretTemplateUrl: Codec<Secret> = {
  ...yamlCodec.secret,
  decode(node, reader) {
    const address = text.decode(node, reader);
    if (address === "" || address === SECRET_MASK) return new Secret(address);
    const template = templateProblem(address);
    if (template !== undefined)
      reader.invalid(node.at, `invalid template syntax: ${withoutAddress(template, address)}`);
    else if (!address.includes("{{")) {
      const problem = httpUrlProblem(address);
      if (problem !== undefined) reader.invalid(node.at, `invalid URL: ${withoutAddress(problem, address)}`);
    }
    return new Secret(address);
  },
};

function withoutAddress(message: string, address: string): string {
  return message.replace(JSON.stringify(address), `"${SECRET_MASK}"`);
}

/** What is wrong with a text that has actions in it; undefined for any other text. */
export function templateProblem(source: string): string | undefined {
  if (!source.includes("{{")) return undefined;
  try {
    parseTemplate("", source, isTemplateFunction);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

/** As Go prints a URL: blanks and the like in the path are escaped. */
function encodedUrl(address: string): string {
  return address.replace(/[ "<>\\^`{|}]/g, (character) => encodeURIComponent(character));
}

/** Milliseconds, written as Go writes them: `1m30s`. */
export const goTime: Codec<number> = {
  type: "time.Duration",
  decode(node, reader) {
    if (node.kind === "scalar") {
      try {
        return /^\d+$/.test(node.text) ? Number(node.text) / 1e6 : parseGoDuration(node.text);
      } catch {
        // Reported below.
      }
    }
    reportMismatch(node, "time.Duration", reader);
    return 0;
  },
  zero: () => 0,
  isZero: (value) => value === 0,
  encode: goDuration,
};
