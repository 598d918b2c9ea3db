/** Text that is taken for HTML of the template's own. */
export class SafeText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toGoString(): string {
    return this.text;
  }
}
