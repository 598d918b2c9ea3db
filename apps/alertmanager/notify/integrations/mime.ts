// Writing mails: headers, alternatives, and the encodings that carry both through mail servers.
import { randomBytes } from "node:crypto";

export interface MailPart {
  readonly contentType: string;
  readonly body: string;
}

/** A header's value: what is not plain is encoded by RFC 2047, as quoted words. */
export function encodedHeader(value: string): string {
  if (!/[^\t\x20-\x7e]/.test(value)) return value;
  // A word holds at most 75 characters, of which twelve are its frame; characters are not cut in two.
  const words: string[] = [];
  let word = "";
  for (const character of value) {
    const encoded = [...Buffer.from(character)].map(quotedByte).join("");
    if (word.length + encoded.length > 63) {
      words.push(word);
      word = "";
    }
    word += encoded;
  }
  words.push(word);
  return words.map((each) => `=?utf-8?q?${each}?=`).join("\r\n ");
}

function quotedByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === " ") return "_";
  return /[!-<>@-^`-~]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Quoted-printable (RFC 2045, 6.7), lines of 76 characters at most, line ends as CRLF. */
export function quotedPrintable(text: string): string {
  return text.split(/\r?\n/).map(quotedLine).join("\r\n");
}

function quotedLine(line: string): string {
  const bytes = Buffer.from(line);
  let out = "";
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    const isBlank = byte === 0x20 || byte === 0x09;
    const isLast = i === bytes.length - 1;
    const isPlain = (byte >= 0x21 && byte <= 0x7e && byte !== 0x3d) || (isBlank && !isLast);
    const piece = isPlain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    if (length + piece.length > 75) {
      out += "=\r\n";
      length = 0;
    }
    out += piece;
    length += piece.length;
  }
  return out;
}

/** A whole mail. The last part is the one that readers prefer. */
export function mailText(
  headers: readonly (readonly [name: string, value: string])[],
  parts: readonly MailPart[],
): string {
  const boundary = randomBytes(30).toString("hex");
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const body = parts
    .map(
      ({ contentType, body }) =>
        `--${boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: ${contentType}\r\n\r\n${quotedPrintable(body)}\r\n`,
    )
    .join("");
  return `${head}Content-Type: multipart/alternative;  boundary=${boundary}\r\nMIME-Version: 1.0\r\n\r\n${body}--${boundary}--\r\n`;
}

/** As RFC 5322 writes dates. */
export function mailDate(date: Date): string {
  return date.toUTCString().replace("GMT", "+0000");
}
