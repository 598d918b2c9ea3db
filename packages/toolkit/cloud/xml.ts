// A small reader of XML, for the answers of older cloud APIs: elements and their text; attributes are of no interest.
// Document types are refused: they are how a few lines become gigabytes.

/** More elements within each other than any API has. */
const MAX_DEPTH = 64;

/** More elements than any answer has. */
const MAX_ELEMENTS = 4_000_000;

/** An element. */
export interface XmlElement {
  readonly name: string;
  /** Of the element itself, without that of its children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** A text is no XML, or has what is not read here. */
export class XmlError extends Error {
  override readonly name = "XmlError";
}

interface OpenElement extends XmlElement {
  text: string;
  readonly children: XmlElement[];
}

/** Reads a document; returns its root element. Throws an `XmlError`. Namespaces stay part of the names. */
export function parseXml(text: string): XmlElement {
  const document: OpenElement = { name: "", text: "", children: [] };
  const open: OpenElement[] = [document];
  let at = 0;
  let elements = 0;
  while (at < text.length) {
    const start = text.indexOf("<", at);
    const end = start < 0 ? text.length : start;
    const current = open.at(-1) as OpenElement;
    if (end > at) current.text += decoded(text.slice(at, end));
    if (start < 0) break;
    if (text.startsWith("<!--", start)) {
      at = behind(text, "-->", start + 4);
    } else if (text.startsWith("<![CDATA[", start)) {
      at = behind(text, "]]>", start + 9);
      current.text += text.slice(start + 9, at - 3);
    } else if (text.startsWith("<?", start)) {
      at = behind(text, "?>", start + 2);
    } else if (text.startsWith("<!", start)) {
      throw new XmlError("document types are not supported");
    } else {
      at = behind(text, ">", start + 1);
      const tag = text.slice(start + 1, at - 1);
      if (tag.startsWith("/")) close(open, tag.slice(1).trim());
      else if (++elements > MAX_ELEMENTS) throw new XmlError(`more than ${MAX_ELEMENTS} elements`);
      else begin(open, tag);
    }
  }
  const [root, ...others] = document.children;
  if (open.length > 1) throw new XmlError(`element <${open.at(-1)?.name}> has no end`);
  if (root === undefined || others.length > 0 || document.text.trim() !== "")
    throw new XmlError("not one root element");
  return root;
}

/** The text of the element that a path of names leads to; undefined when there is none. */
export function xmlText(element: XmlElement, ...path: readonly string[]): string | undefined {
  return xmlChild(element, ...path)?.text;
}

/** The element that a path of names leads to. */
export function xmlChild(element: XmlElement, ...path: readonly string[]): XmlElement | undefined {
  let current: XmlElement | undefined = element;
  for (const name of path) current = current?.children.find((child) => child.name === name);
  return current;
}

/** The items of a list: children with this name of the element that a path leads to. */
export function xmlList(element: XmlElement, item: string, ...path: readonly string[]): readonly XmlElement[] {
  return xmlChild(element, ...path)?.children.filter(({ name }) => name === item) ?? [];
}

function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  if (at < 0) throw new XmlError(`"${mark}" is missing`);
  return at + mark.length;
}

function begin(open: OpenElement[], tag: string): void {
  const isEmpty = tag.endsWith("/");
  const name = /^[^\s/]+/.exec(tag)?.[0];
  if (name === undefined) throw new XmlError("element without a name");
  const element: OpenElement = { name, text: "", children: [] };
  (open.at(-1) as OpenElement).children.push(element);
  if (isEmpty) return;
  if (open.length > MAX_DEPTH) throw new XmlError(`more than ${MAX_DEPTH} elements within each other`);
  open.push(element);
}

function close(open: OpenElement[], name: string): void {
  const element = open.at(-1) as OpenElement;
  if (open.length === 1 || element.name !== name)
    throw new XmlError(`unexpected end of element <${name.slice(0, 40)}>`);
  open.pop();
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decoded(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]+);/g, (whole, entity: string) => {
    if (!entity.startsWith("#")) return ENTITIES[entity] ?? whole;
    const code = entity.startsWith("#x") ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
