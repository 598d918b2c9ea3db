// The families of one exposition as separate texts, so that they can be sorted, and taken back when their collector fails.

interface FamilyText {
  readonly name: string;
  text: string;
}

/** What a writer has written so far. Writers keep one and append to it. */
export class FamilyTexts {
  readonly #families: FamilyText[] = [];
  readonly #names = new Set<string>();
  #current: FamilyText | undefined;

  /** Opens a family. Throws when one of that name was written before: consumers refuse such a text as a whole. */
  begin(name: string, head: string): void {
    if (this.#names.has(name)) throw new Error(`metric family ${name} was collected twice`);
    this.#names.add(name);
    this.#current = { name, text: head };
    this.#families.push(this.#current);
  }

  /** Appends to the open family. */
  append(text: string): void {
    if (this.#current === undefined) throw new Error("a sample was written before its family");
    this.#current.text += text;
  }

  /** How far things have come, for `rewind`. */
  mark(): number {
    return this.#families.length;
  }

  /** Takes back every family begun since the mark. */
  rewind(mark: number): void {
    for (const family of this.#families.splice(mark)) this.#names.delete(family.name);
    this.#current = undefined;
  }

  /** All families in one text, sorted by name if asked. */
  join(sorted: boolean): string {
    const families = this.#families;
    if (sorted) families.sort((a, b) => (a.name < b.name ? -1 : 1));
    let out = "";
    for (const family of families) out += family.text;
    return out;
  }
}
