import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml, XmlError, xmlList, xmlText } from "./xml.ts";

test("XML: elements, text, entities, CDATA; comments and attributes are passed over", () => {
  const root = parseXml(`<?xml version="1.0" encoding="UTF-8"?>
<answer xmlns="http://x"><!-- <none/> -->
  <list><item>a &lt;&#38;&#x41;&gt;</item><item attr="1"/><item><![CDATA[<raw> & ]]></item></list>
  <one>1</one>
</answer>`);
  assert.equal(root.name, "answer");
  assert.deepEqual(
    xmlList(root, "item", "list").map(({ text }) => text),
    ["a <&A>", "", "<raw> & "],
  );
  assert.equal(xmlText(root, "one"), "1");
  assert.equal(xmlText(root, "one", "two"), undefined);
});

test("XML: whatever is none is refused, and never crashes", () => {
  for (const text of [
    "",
    "text",
    "<a>",
    "<a></b>",
    "</a>",
    "<a/><b/>",
    "<a>x</a>y",
    "< a/>",
    "<a",
    "<!--",
    "<a><![CDATA[</a>",
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "<a>".repeat(1_000_000),
  ]) {
    assert.throws(() => parseXml(text), XmlError, text.slice(0, 30));
  }
  assert.equal(parseXml("<a>&#x110000;&unknown;&</a>").text, "&#x110000;&unknown;&");
});
