// The syntax tree of a template. `pos` is an offset into the source, for messages.

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pos: number;
      readonly pipe: Pipe;
      readonly body: Body;
      readonly otherwise: Body | undefined;
    }
  | {
      readonly kind: "template";
      readonly pos: number;
      readonly name: string;
      /** Where the name stands, and the whole action, for messages. */
      readonly namePos: number;
      readonly source: string;
      readonly pipe: Pipe | undefined;
    }
  | { readonly kind: "break" | "continue" };

export type Body = readonly Node[];

/** `$a, $b := command | command`. */
export interface Pipe {
  readonly pos: number;
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

/** A function, field or value, and its arguments. */
export interface Command {
  readonly pos: number;
  readonly args: readonly Arg[];
}

export type Arg =
  | { readonly kind: "dot"; readonly pos: number; readonly source: string }
  | { readonly kind: "nil"; readonly pos: number; readonly source: string }
  | { readonly kind: "field"; readonly pos: number; readonly source: string; readonly names: readonly string[] }
  | {
      readonly kind: "variable";
      readonly pos: number;
      readonly source: string;
      readonly name: string;
      readonly names: readonly string[];
    }
  | { readonly kind: "function"; readonly pos: number; readonly source: string; readonly name: string }
  | {
      readonly kind: "literal";
      readonly pos: number;
      readonly source: string;
      readonly value: string | number | bigint | boolean;
    }
  | {
      readonly kind: "pipe";
      readonly pos: number;
      readonly source: string;
      readonly pipe: Pipe;
      readonly names: readonly string[];
    };

/** A parsed text: its own body, and the templates it defines by name. */
export interface ParsedTemplate {
  readonly name: string;
  readonly source: string;
  readonly body: Body;
  readonly definitions: ReadonlyMap<string, Body>;
}
