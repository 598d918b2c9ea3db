// Whose call a line of a stack tells of.

/** A function and its place; texts are empty and numbers 0 where the stack does not say. */
export interface Place {
  readonly functionName: string;
  readonly filename: string;
  readonly line: number;
  readonly column: number;
}

const WITH_FUNCTION = /^\s*at (?:async )?(?:new )?(.+) \((.+?)(?::(\d+))?(?::(\d+))?\)$/;
const WITHOUT_FUNCTION = /^\s*at (?:async )?(.+?)(?::(\d+))?(?::(\d+))?$/;

/**
 * The call that a line of a stack (0 is the message) tells of. A method of `className` goes without the class; renamed methods
 * (`Foo.bar [as baz]`) by the name they were called by. Frames without a name are `<anonymous>`. Never throws.
 */
export function callerOf(stack: string, line: number, className: string): Place {
  const text = stack.split("\n", line + 1)[line] ?? "";
  const named = WITH_FUNCTION.exec(text);
  const match = named ?? WITHOUT_FUNCTION.exec(text);
  if (match === null) return { functionName: "<anonymous>", filename: "", line: 0, column: 0 };
  const [file = "", row, column] = named === null ? match.slice(1) : match.slice(2);
  return {
    functionName: named === null ? "<anonymous>" : shortName(match[1] as string, className),
    filename: pathOf(file),
    line: Number(row ?? 0),
    column: Number(column ?? 0),
  };
}

function shortName(name: string, className: string): string {
  const renamed = /^(.*?)\S+ \[as (.+)\]$/.exec(name);
  const full = renamed === null ? name : `${renamed[1]}${renamed[2]}`;
  return full.startsWith(`${className}.`) ? full.slice(className.length + 1) : full;
}

/** `file:///a%20b.js` is `/a b.js`, and `file:///C:/a.js` is `C:/a.js`. */
function pathOf(file: string): string {
  if (!file.startsWith("file://")) return file;
  let path = file.slice("file://".length);
  try {
    path = decodeURIComponent(path);
  } catch {
    // Not encoded, then.
  }
  return /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
}
