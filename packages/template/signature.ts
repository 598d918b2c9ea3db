// What functions of templates take. Go checks arguments before it calls; so do we, where a function's signature is known.
import type { Arg } from "./ast.ts";
import { goType } from "./go-format.ts";

/** The Go type of a parameter, and which values have it. */
export interface ParameterType {
  readonly name: string;
  accepts(value: unknown): boolean;
}

export interface Signature {
  readonly parameters: readonly ParameterType[];
  /** The last parameter may be given any number of times, or never. */
  readonly variadic?: boolean;
  /** Work that a call takes besides what every call takes, in units of `ExecuteOptions.maxWork`. */
  cost?(values: readonly unknown[]): number;
}

export const STRING: ParameterType = { name: "string", accepts: (value) => typeof value === "string" };
export const ANY: ParameterType = { name: "interface {}", accepts: () => true };

/** What is wrong with how many arguments there are. */
export function countFault({ parameters, variadic }: Signature, name: string, count: number): string | undefined {
  const fixed = variadic === true ? parameters.length - 1 : parameters.length;
  if (variadic === true ? count >= fixed : count === fixed) return undefined;
  return `wrong number of args for ${name}: want ${variadic === true ? "at least " : ""}${fixed} got ${count}`;
}

/** What is wrong with one argument; `arg` is what was written, undefined for what came through the pipe. */
export function typeFault(
  { parameters }: Signature,
  index: number,
  value: unknown,
  arg: Arg | undefined,
): string | undefined {
  const type = parameters[Math.min(index, parameters.length - 1)];
  if (type === undefined || type.accepts(value)) return undefined;
  if (arg?.kind !== "literal") return `wrong type for value; expected ${type.name}; got ${goType(value)}`;
  return type === STRING
    ? `expected string; found ${arg.source}`
    : `can't handle ${arg.source} for arg of type ${type.name}`;
}
