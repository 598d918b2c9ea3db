/** Text that is taken for the template's own: for HTML, or for an address whatever its scheme. */
export class SafeText {
  readonly text: string;
  readonly kind: "html" | "url";

  constructor(text: string, kind: "html" | "url" = "html") {
    this.text = text;
    this.kind = kind;
  }

  toGoString(): string {
    return this.text;
  }
}
