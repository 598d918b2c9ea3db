// What a person at the page should know now.

export interface Notification {
  readonly text: string;
  readonly date: string;
  readonly active: boolean;
}

/** The notifications that are active. Their texts are the program's own, hence few. */
export class Notifications {
  readonly #active = new Map<string, Notification>();

  add(text: string): void {
    if (!this.#active.has(text)) this.#active.set(text, { text, date: new Date().toISOString(), active: true });
  }

  remove(text: string): void {
    this.#active.delete(text);
  }

  get active(): Notification[] {
    return [...this.#active.values()];
  }
}
