// Values put into HTML so that they stay values wherever they stand: in text, attributes, addresses, scripts and styles.
// Source: the documentation of Go's html/template, and what the reference answers to the pages of the test beside this file.
import { SafeText } from "./safe-text.ts";

/** Stands where a value could not be made safe, as in Go, so that it is found in the page. */
const REFUSED = "ZgotmplZ";

type AttributeKind = "plain" | "url" | "script" | "style" | "document";

type State =
  | { readonly in: "text" }
  /** After `<`, where a name of an element would begin. */
  | { readonly in: "opening" }
  | { readonly in: "comment" }
  /** Inside of `<element …>`; `after` tells whether a value may follow. */
  | {
      readonly in: "tag";
      readonly element: string;
      readonly attribute: string;
      readonly after: "name" | "equals" | "space";
    }
  | { readonly in: "value"; readonly element: string; readonly attribute: string; readonly delimiter: '"' | "'" | " " }
  /** Inside of an element whose text ends only with its own end tag. */
  | { readonly in: "raw"; readonly element: string };

/** Where a script or a style stands: between tokens, in a string that ends with `quote`, or in a comment. */
type Inner = "code" | '"' | "'" | "`" | "line comment" | "block comment";

const TEXT: State = { in: "text" };
const RAW_ELEMENTS: ReadonlySet<string> = new Set(["script", "style", "textarea", "title"]);
const URL_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...["action", "archive", "background", "cite", "classid", "codebase", "data", "formaction", "href", "icon"],
  ...["longdesc", "manifest", "poster", "profile", "src", "srcset", "usemap"],
]);
const SAFE_SCHEMES: ReadonlySet<string> = new Set(["http", "https", "mailto"]);

function isSafeHtml(value: unknown): boolean {
  return value instanceof SafeText && value.kind === "html";
}

/** Follows the page as it is written; what is given to it as `text` is the template's own, and trusted. */
export class HtmlEscaper {
  #state: State = TEXT;
  #inner: Inner = "code";
  /** What the attribute's value holds so far, of the template's own text. */
  #valueText = "";
  #valueIsEmpty = true;

  /** The template's own text, which goes into the page as it is. */
  text(text: string): string {
    let at = 0;
    while (at < text.length) at = this.#advance(text, at);
    return text;
  }

  /** A value, as it is to be written at this place. `printed` is its text. */
  value(value: unknown, printed: string): string {
    const state = this.#state;
    switch (state.in) {
      case "text":
        return isSafeHtml(value) ? printed : escapeText(printed);
      case "opening":
        return REFUSED;
      case "comment":
        return "";
      case "raw":
        if (state.element === "script") return this.#script(value, printed);
        if (state.element === "style") return this.#style(printed);
        return isSafeHtml(value) ? printed.replaceAll("<", "&lt;") : escapeText(printed);
      case "tag":
        if (state.after !== "equals") return /^[a-z0-9]+$/i.test(printed) && !isActive(printed) ? printed : REFUSED;
        this.#state = { in: "value", element: state.element, attribute: state.attribute, delimiter: " " };
        this.#beginValue();
        return this.#attribute(value, printed, state.attribute, true);
      case "value":
        return this.#attribute(value, printed, state.attribute, state.delimiter === " ");
    }
  }

  #attribute(value: unknown, printed: string, attribute: string, isBare: boolean): string {
    const text = this.#attributeText(value, printed, kindOf(attribute));
    this.#valueIsEmpty = false;
    if (!isBare) return escapeText(text);
    return text === "" ? REFUSED : escapeBare(text);
  }

  #attributeText(value: unknown, printed: string, kind: AttributeKind): string {
    switch (kind) {
      case "url":
        return this.#url(printed, value instanceof SafeText && value.kind === "url");
      case "script":
        return this.#script(value, printed);
      case "style":
        return this.#style(printed);
      case "document":
        return escapeText(printed);
      case "plain":
        return value instanceof SafeText ? printed.replace(/<[^>]*>?/g, "") : printed;
    }
  }

  /** Part of an address: any value after `?` or `#`, else one that may hold slashes, but no scheme that runs scripts. */
  #url(text: string, isSafe: boolean): string {
    if (/[?#]/.test(this.#valueText)) return percentEncode(text, /[^a-zA-Z0-9\-._~]/gu);
    if (this.#valueIsEmpty && !isSafe) {
      const scheme = /^([^/?#]*?):/.exec(text)?.[1];
      if (scheme !== undefined && !SAFE_SCHEMES.has(scheme.toLowerCase())) return `#${REFUSED}`;
    }
    return percentEncode(text, /%(?![0-9a-fA-F]{2})|[^a-zA-Z0-9\-._~!#$&*+,/:;=?@[\]%]/gu);
  }

  #script(value: unknown, printed: string): string {
    switch (this.#inner) {
      case "code": {
        if (typeof value === "number") return Number.isFinite(value) ? ` ${printed} ` : " null ";
        if (typeof value === "bigint") return ` ${printed} `;
        const json = JSON.stringify(plainOf(value)) ?? "null";
        return json.replace(/[<>&\u2028\u2029]/g, unicodeEscape);
      }
      case "line comment":
      case "block comment":
        return "";
      default:
        return printed.replace(/[\0-\x1f"'`+&<>/\\${}\u2028\u2029]/g, escapeInString);
    }
  }

  #style(printed: string): string {
    switch (this.#inner) {
      case "code":
        return /^[\w#.,% -]*$/.test(printed) && !/expression|mozbinding/i.test(printed) ? printed : REFUSED;
      case "line comment":
      case "block comment":
        return "";
      default:
        return printed.replace(/[\0-\x1f"'&()+/:;<>\\{}]/g, escapeInStyle);
    }
  }

  #advance(text: string, at: number): number {
    const state = this.#state;
    switch (state.in) {
      case "text":
        return this.#inText(text, at);
      case "opening":
        return this.#open(text, at);
      case "comment": {
        const end = text.indexOf("-->", at);
        if (end >= 0) this.#state = TEXT;
        return end < 0 ? text.length : end + 3;
      }
      case "tag":
        return this.#inTag(text, at, state);
      case "value":
        return this.#inValue(text, at, state);
      case "raw": {
        const found = text.slice(at).search(new RegExp(`</${state.element}`, "i"));
        const end = found < 0 ? text.length : at + found;
        this.#follow(text.slice(at, end), state.element === "script");
        if (found < 0) return end;
        this.#state = { in: "tag", element: "", attribute: "", after: "space" };
        return end + 2 + state.element.length;
      }
    }
  }

  #inText(text: string, at: number): number {
    const open = text.indexOf("<", at);
    if (open < 0) return text.length;
    this.#state = { in: "opening" };
    return open + 1;
  }

  #open(text: string, at: number): number {
    if (text.startsWith("!--", at)) {
      this.#state = { in: "comment" };
      return at + 3;
    }
    const [name = ""] = /^[/!?]?[a-z][a-z0-9:-]*/i.exec(text.slice(at, at + 64)) ?? [];
    this.#state = name === "" ? TEXT : { in: "tag", element: name.toLowerCase(), attribute: "", after: "space" };
    return at + name.length;
  }

  #inTag(text: string, at: number, { element, attribute, after }: Extract<State, { in: "tag" }>): number {
    const character = text[at] as string;
    if (character === ">") {
      this.#inner = "code";
      this.#state = RAW_ELEMENTS.has(element) ? { in: "raw", element } : TEXT;
      return at + 1;
    }
    if (/\s/.test(character)) {
      if (after === "name") this.#state = { in: "tag", element, attribute, after: "space" };
      return at + 1;
    }
    if (character === "=") {
      this.#state = { in: "tag", element, attribute, after: "equals" };
      return at + 1;
    }
    if (after === "equals") {
      const isQuoted = character === '"' || character === "'";
      this.#state = { in: "value", element, attribute, delimiter: isQuoted ? character : " " };
      this.#beginValue();
      return isQuoted ? at + 1 : at;
    }
    const begun = after === "name" ? attribute : "";
    this.#state = { in: "tag", element, attribute: begun + character.toLowerCase(), after: "name" };
    return at + 1;
  }

  #inValue(text: string, at: number, { element, attribute, delimiter }: Extract<State, { in: "value" }>): number {
    const rest = text.slice(at);
    const found = delimiter === " " ? rest.search(/[\s>]/) : rest.indexOf(delimiter);
    const piece = found < 0 ? rest : rest.slice(0, found);
    this.#valueText += piece;
    if (piece !== "") this.#valueIsEmpty = false;
    const kind = kindOf(attribute);
    if (kind === "script" || kind === "style") this.#follow(piece, kind === "script");
    if (found < 0) return text.length;
    this.#state = { in: "tag", element, attribute: "", after: "space" };
    return at + found + (delimiter === " " ? 0 : 1);
  }

  #beginValue(): void {
    this.#valueText = "";
    this.#valueIsEmpty = true;
    this.#inner = "code";
  }

  /** Strings and comments of a script, or of a style. */
  #follow(text: string, isScript: boolean): void {
    for (let i = 0; i < text.length; i++) {
      const character = text[i] as string;
      const next = text[i + 1];
      switch (this.#inner) {
        case "code":
          if (character === '"' || character === "'" || (isScript && character === "`")) this.#inner = character;
          else if (character === "/" && next === "*") this.#inner = "block comment";
          else if (isScript && character === "/" && next === "/") this.#inner = "line comment";
          break;
        case "line comment":
          if (character === "\n" || character === "\r") this.#inner = "code";
          break;
        case "block comment":
          if (character === "*" && next === "/") {
            this.#inner = "code";
            i++;
          }
          break;
        default:
          if (character === "\\") i++;
          else if (character === this.#inner) this.#inner = "code";
      }
    }
  }
}

/** What an attribute's value means to a browser. */
function kindOf(attribute: string): AttributeKind {
  const name = attribute.replace(/^data-/, "").replace(/^[^:]*:/, "");
  if (attribute.startsWith("xmlns:") || URL_ATTRIBUTES.has(name)) return "url";
  if (name.startsWith("on")) return "script";
  if (name === "style") return "style";
  if (name === "srcdoc") return "document";
  return /src|uri|url/.test(name) ? "url" : "plain";
}

/** Whether an attribute of this name, or an element, could do more than hold a text. */
function isActive(name: string): boolean {
  return kindOf(name.toLowerCase()) !== "plain" || RAW_ELEMENTS.has(name.toLowerCase());
}

const CHARACTERS: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "&": "&amp;",
  "'": "&#39;",
  "+": "&#43;",
  "<": "&lt;",
  ">": "&gt;",
};

function escapeText(text: string): string {
  return text.replace(/[\0"&'+<>]/g, (character) => CHARACTERS[character] as string);
}

/** For a value without quotes, which a space would end. */
function escapeBare(text: string): string {
  return text.replace(/[\0\t-\r "&'+<=>`]/g, (character) =>
    character === "\0" ? "&#xfffd;" : (CHARACTERS[character] ?? `&#${character.charCodeAt(0)};`),
  );
}

function percentEncode(text: string, characters: RegExp): string {
  return text.replace(characters, (character) =>
    [...Buffer.from(character, "utf8")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "/": "\\/",
  "\\": "\\\\",
};

function escapeInString(character: string): string {
  return SHORT_ESCAPES[character] ?? unicodeEscape(character);
}

/** What JSON can hold of a template's value. */
function plainOf(value: unknown): unknown {
  if (value instanceof SafeText) return value.text;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([name, inner]) => [String(name), plainOf(inner)]));
}

/** A space ends the number where what follows could be taken for a part of it. */
function escapeInStyle(character: string, at: number, text: string): string {
  if (character === "\\") return "\\\\";
  const ends = /^[^0-9a-fA-F\s]/.test(text.slice(at + 1));
  return `\\${character.charCodeAt(0).toString(16)}${ends ? "" : " "}`;
}
