/** Where an expression is typed: a plain text area at first, the full editor in its place once that has been loaded. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CodeEditor } from "../editor/code-editor.ts";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { tone } from "../shell/theme.ts";

/** The box. Each new `given` object replaces the text; `onDraft` hears what is typed, `onRun` of Enter. */
export function ExpressionBox(props: {
  given: { readonly text: string };
  label: string;
  focus: boolean;
  invalid: boolean;
  onDraft: (value: string) => void;
  onRun: (value: string) => void;
}): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<CodeEditor>(null);
  const composing = useRef(false);
  const [upgraded, setUpgraded] = useState(false);
  const draft = useRef(props.given.text);
  const latest = useRef(props);
  latest.current = props;
  const wishes = useCell(settings);
  const dark = useCell(tone) === "dark";

  useEffect(() => {
    let gone = false;
    // All in one go: a key that is pressed meanwhile belongs to the one or to the other. A word that is being composed
    // (in Japanese, say) is waited for, since taking its box away would throw it away.
    const upgrade = (mountEditor: typeof import("../editor/code-editor.ts").mountEditor): void => {
      if (gone || !host.current || !area.current) return;
      if (composing.current) {
        area.current.addEventListener("compositionend", () => setTimeout(() => upgrade(mountEditor)), { once: true });
        return;
      }
      const focused = document.activeElement === area.current;
      // What is hidden takes no focus, so the places are exchanged before the editor asks for it.
      host.current.hidden = false;
      area.current.hidden = true;
      editor.current = mountEditor(host.current, {
        value: draft.current,
        label: latest.current.label,
        selection: focused ? [area.current.selectionStart, area.current.selectionEnd] : null,
        wishes: settings.get(),
        dark: tone.get() === "dark",
        onChange: (value) => {
          draft.current = value;
          latest.current.onDraft(value);
        },
        onRun: (value) => latest.current.onRun(value),
      });
      setUpgraded(true);
    };
    const load = async (): Promise<void> => upgrade((await import("../editor/code-editor.ts")).mountEditor);
    // The page first, the editor when there is a quiet moment; if it cannot be loaded, the text area stays.
    const cancel = whenIdle(() => void load().catch(() => undefined));
    return () => {
      gone = true;
      cancel();
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);

  useEffect(() => {
    editor.current?.configure(wishes, dark);
  }, [wishes, dark, upgraded]);

  useEffect(() => {
    const { text } = props.given;
    if (text === draft.current) return;
    draft.current = text;
    editor.current?.setValue(text);
    if (area.current) area.current.value = text;
  }, [props.given]);

  useEffect(() => {
    if (props.focus) area.current?.focus();
  }, []);

  return (
    <div class={props.invalid ? "expression invalid" : "expression"} data-editor={upgraded ? "full" : "plain"}>
      {!upgraded && (
        <textarea
          ref={area}
          aria-label={props.label}
          aria-invalid={props.invalid}
          data-first-input=""
          defaultValue={props.given.text}
          placeholder="Enter expression (press Shift+Enter for newlines)"
          rows={Math.min(8, draft.current.split("\n").length)}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          onCompositionStart={() => {
            composing.current = true;
          }}
          onCompositionEnd={() => {
            composing.current = false;
          }}
          onInput={(event) => {
            draft.current = event.currentTarget.value;
            props.onDraft(draft.current);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              props.onRun(draft.current);
            } else if (event.key === "Escape") {
              event.currentTarget.blur();
            }
          }}
        />
      )}
      <div ref={host} class="editor-host" hidden={!upgraded} data-first-input={upgraded ? "" : undefined} />
    </div>
  );
}

function whenIdle(work: () => void): () => void {
  if (typeof requestIdleCallback === "function") {
    const id = requestIdleCallback(work, { timeout: 1500 });
    return () => cancelIdleCallback(id);
  }
  const id = setTimeout(work, 200);
  return () => clearTimeout(id);
}
