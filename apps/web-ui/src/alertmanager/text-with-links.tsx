/** A text in which addresses of the web can be followed. All of it is text: nothing of it is read as markup. */
import type { JSX } from "preact";

const ADDRESS = /https?:\/\/[^\s<>"'`)\]}]+/g;

export function TextWithLinks({ text }: { text: string }): JSX.Element {
  const parts: (string | JSX.Element)[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(/[.,;:!?]+$/, "");
    parts.push(
      text.slice(at, match.index),
      <a key={match.index} href={address} target="_blank" rel="noreferrer">
        {address}
      </a>,
    );
    at = match.index + address.length;
  }
  return (
    <span class="text">
      {parts}
      {text.slice(at)}
    </span>
  );
}
