// Values that must never be printed: passwords, tokens, keys, and URLs that carry one.

/** What is printed in place of a secret, in YAML, JSON, logs and string templates alike. */
export const SECRET_MASK = "<secret>";

/**
 * A text that shows itself only to whoever asks by name.
 *
 * Every implicit way out (template strings, `JSON.stringify`, `console.log`, YAML) yields the mask, or "" when the
 * secret is empty. A structured clone (to a worker) loses the text, so that it cannot leak there unseen.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself: hand it to the socket, not to a message. */
  reveal(): string {
    return this.#text;
  }

  get isEmpty(): boolean {
    return this.#text === "";
  }

  toString(): string {
    return this.#text === "" ? "" : SECRET_MASK;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** The secret that was not given. */
export const EMPTY_SECRET: Secret = new Secret("");

/** A URL from a configuration. Printed with its password replaced by `xxxxx`; `reveal()` gives it as it was written. */
export class ConfigUrl {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The URL as it was written, password included. */
  reveal(): string {
    return this.#text;
  }

  /** The URL without its password, fit for logs, pages and metrics. */
  toString(): string {
    return this.#text.replace(/^([^:/?#]+:\/\/[^/?#@:]*:)[^/?#]*@/, "$1xxxxx@");
  }

  toJSON(): string {
    return this.toString();
  }
}
