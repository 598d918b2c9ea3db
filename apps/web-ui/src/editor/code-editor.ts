/**
 * The expression editor: CodeMirror with the PromQL language, completion and checks against our own API.
 *
 * It lives in a shadow root. There CodeMirror puts its rules into adopted style sheets instead of a `<style>` element,
 * which a content security policy of `style-src 'self'` would refuse. Colours come from the page's custom properties,
 * which shadow roots inherit.
 */
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { newCompleteStrategy, PromQLExtension } from "@prometheus-io/codemirror-promql";
import { queryHistory } from "../shell/query-history.ts";
import { PATH_PREFIX } from "../shell/server-facts.ts";
import type { Settings } from "../shell/settings.ts";

/** An editor that stands in the page. */
export interface CodeEditor {
  /** Replaces the whole text; the undo history keeps the old one. */
  setValue(value: string): void;
  /** Takes changed settings and theme over. */
  configure(wishes: Settings, dark: boolean): void;
  focus(): void;
  destroy(): void;
}

/** What an editor starts with and whom it tells. */
export interface EditorOptions {
  readonly value: string;
  readonly label: string;
  /** Where the cursor stood in the text area that it replaces; null when that had no focus. */
  readonly selection: readonly [number, number] | null;
  readonly wishes: Settings;
  readonly dark: boolean;
  readonly onChange: (value: string) => void;
  readonly onRun: (value: string) => void;
}

// Asked once for all editors of the page: names and metadata are cached inside for five minutes.
const complete = newCompleteStrategy({ remote: { url: PATH_PREFIX, httpMethod: "GET", cache: { maxAge: 60_000 } } });

/** Puts an editor into `host`, which must have been used for nothing else. */
export function mountEditor(host: HTMLElement, options: EditorOptions): CodeEditor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const language = new Compartment();
  const colors = new Compartment();
  const darkness = new Compartment();
  const promql = new PromQLExtension();
  const configured = (wishes: Settings): ReturnType<PromQLExtension["asExtension"]> => {
    promql.activateCompletion(wishes.enableAutocomplete).activateLinter(wishes.enableLinter);
    promql.setComplete({ completeStrategy: { promQL: (context) => withHistory(context, wishes.enableQueryHistory) } });
    return promql.asExtension();
  };

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.value,
      selection: options.selection
        ? { anchor: clip(options.selection[0], options.value), head: clip(options.selection[1], options.value) }
        : { anchor: options.value.length },
      extensions: [
        Prec.highest(
          keymap.of([
            { key: "Enter", run: (editor) => run(editor, options.onRun) },
            { key: "Shift-Enter", run: (editor) => newLine(editor) },
            { key: "Escape", run: (editor) => closeCompletion(editor) || leave(editor) },
          ]),
        ),
        history(),
        highlightSpecialChars(),
        EditorView.lineWrapping,
        EditorState.allowMultipleSelections.of(true),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false, maxRenderedOptions: 100 }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        placeholder("Enter expression (press Shift+Enter for newlines)"),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(update.state.doc.toString());
        }),
        language.of(configured(options.wishes)),
        colors.of(options.wishes.enableSyntaxHighlighting ? syntaxHighlighting(SYNTAX) : []),
        darkness.of(EditorView.darkTheme.of(options.dark)),
        LOOK,
      ],
    }),
  });
  if (options.selection) view.focus();

  return {
    setValue(value) {
      const old = view.state.doc.toString();
      if (old === value) return;
      view.dispatch({ changes: { from: 0, to: old.length, insert: value }, selection: { anchor: value.length } });
    },
    configure(wishes, dark) {
      view.dispatch({
        effects: [
          language.reconfigure(configured(wishes)),
          colors.reconfigure(wishes.enableSyntaxHighlighting ? syntaxHighlighting(SYNTAX) : []),
          darkness.reconfigure(EditorView.darkTheme.of(dark)),
        ],
      });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

async function withHistory(context: CompletionContext, wanted: boolean): Promise<CompletionResult | null> {
  const found = await complete.promQL(context);
  if (!wanted) return found;
  const entries = queryHistory().map((entry) => ({
    label: entry.length > 80 ? `${entry.slice(0, 79)}…` : entry,
    detail: "past query",
    apply: entry,
    info: entry.length > 80 ? entry : "",
    boost: -50,
  }));
  if (found) return { ...found, from: found.from, options: [...found.options, ...(found.from === 0 ? entries : [])] };
  return entries.length > 0 && context.pos === context.state.doc.length ? { from: 0, options: entries } : null;
}

function run(view: EditorView, onRun: (value: string) => void): boolean {
  // An open list of completions takes Enter for itself.
  if (completionStatus(view.state) === "active") return false;
  closeCompletion(view);
  onRun(view.state.doc.toString());
  return true;
}

function newLine(view: EditorView): boolean {
  view.dispatch(view.state.replaceSelection("\n"), { scrollIntoView: true });
  return true;
}

function leave(view: EditorView): boolean {
  view.contentDOM.blur();
  return true;
}

function clip(position: number, text: string): number {
  return Math.min(position, text.length);
}

const SYNTAX = HighlightStyle.define([
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.keyword, color: "var(--code-keyword)" },
  { tag: tags.modifier, color: "var(--code-keyword)" },
  { tag: tags.operator, color: "var(--code-operator)" },
  { tag: tags.function(tags.variableName), color: "var(--code-function)" },
  { tag: tags.standard(tags.variableName), color: "var(--code-function)" },
  { tag: tags.labelName, color: "var(--code-label)" },
  { tag: tags.special(tags.string), color: "var(--code-string)" },
  { tag: tags.variableName, color: "var(--ink)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const LOOK = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "transparent", fontSize: "13.5px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", maxHeight: "40vh", overflow: "auto" },
  ".cm-content": { caretColor: "var(--accent)", padding: "7px 0" },
  ".cm-line": { padding: "0 10px" },
  ".cm-placeholder": { color: "var(--muted)", fontFamily: "var(--sans)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-soft)" },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--ink)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
    zIndex: "30",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mono)",
    fontSize: "12.5px",
    maxHeight: "22em",
    minWidth: "16em",
    maxWidth: "min(90vw, 46em)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    padding: "3px 10px",
    display: "flex",
    gap: "14px",
    justifyContent: "space-between",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--ink)" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)", fontWeight: "600" },
  ".cm-completionDetail": {
    marginLeft: "auto",
    color: "var(--muted)",
    fontStyle: "normal",
    fontFamily: "var(--sans)",
    fontSize: "11.5px",
  },
  ".cm-tooltip.cm-completionInfo": {
    padding: "8px 10px",
    maxWidth: "26em",
    fontFamily: "var(--sans)",
    fontSize: "12.5px",
    lineHeight: "1.45",
  },
  ".cm-diagnostic": { padding: "6px 10px", fontFamily: "var(--sans)", fontSize: "12.5px" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1px",
    textUnderlineOffset: "3px",
  },
  // The rules below it would paint data: images, which the content security policy refuses.
  ".cm-lintRange-info, .cm-lintRange-hint": {
    backgroundImage: "none",
    textDecoration: "underline dotted var(--muted) 1px",
  },
  ".cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--warn) 1px",
    textUnderlineOffset: "3px",
  },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
});
