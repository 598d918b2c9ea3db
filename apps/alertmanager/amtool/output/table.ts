// Tables of text: cells end in a tab, and a column is as wide as the cells that stand one below the other in it.
// Source: Go's `text/tabwriter` with a padding of two blanks, whose rules for broken columns these are.

const PADDING = 2;

interface Cell {
  readonly text: string;
  /** In characters. */
  readonly width: number;
}

/** Lays out lines whose cells end in `\t`; what follows the last tab of a line is no cell of a column. */
export function layOut(text: string): string {
  return text
    .split("\f")
    .map((part, i, all) => new Layout(part).text() + (i < all.length - 1 ? "\n" : ""))
    .join("");
}

class Layout {
  readonly #lines: readonly (readonly Cell[])[];
  readonly #widths: number[] = [];
  #out = "";

  constructor(text: string) {
    this.#lines = text
      .split("\n")
      .map((line) => line.split(/[\t\v]/).map((cell) => ({ text: cell, width: [...cell].length })));
  }

  text(): string {
    this.#format(0, this.#lines.length);
    return this.#out.slice(0, -1);
  }

  #format(first: number, end: number): void {
    const column = this.#widths.length;
    const has = (line: number): boolean => column < (this.#lines[line] as readonly Cell[]).length - 1;
    let written = first;
    for (let line = first; line < end; line++) {
      if (!has(line)) continue;
      this.#write(written, line);
      written = line;
      let width = 0;
      for (; line < end && has(line); line++)
        width = Math.max(width, ((this.#lines[line] as readonly Cell[])[column] as Cell).width + PADDING);
      this.#widths.push(width);
      this.#format(written, line);
      this.#widths.pop();
      written = line;
    }
    this.#write(written, end);
  }

  #write(first: number, end: number): void {
    for (const line of this.#lines.slice(first, end)) {
      line.forEach(({ text, width }, i) => {
        const column = this.#widths[i];
        this.#out += column === undefined ? text : text + " ".repeat(Math.max(0, column - width));
      });
      this.#out += "\n";
    }
  }
}
