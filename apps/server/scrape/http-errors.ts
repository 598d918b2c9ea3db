// What a scrape that failed says: the words of the reference, which operators and their rules know.
import { requestFailure } from "@narthex/toolkit";

/** The text for an error while the body was read. */
export function bodyErrorText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ECONNRESET" || message === "aborted") return "unexpected EOF";
  return requestFailure(error);
}

/** Bytes of a gzip member in front of what is compressed, at least. */
const GZIP_HEADER_BYTES = 10;

/** The text for a compressed body of `bytes` bytes that cannot be read. */
export function gzipErrorText(error: unknown, bytes: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (bytes < GZIP_HEADER_BYTES) return bytes === 0 ? "EOF" : "unexpected EOF";
  if (code === "Z_BUF_ERROR") return "unexpected EOF";
  if (/incorrect header check/.test(message)) return "gzip: invalid header";
  if (/incorrect (data|length) check/.test(message)) return "gzip: invalid checksum";
  return `flate: corrupt input: ${message}`;
}
