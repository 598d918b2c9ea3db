/** What the forms of silences have in common: who and why, what is wrong, and what would be silenced. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { PageHead } from "../shell/widgets.tsx";
import { MatcherFields } from "./matcher-fields.tsx";
import type { Matcher } from "./matchers.ts";
import { SilencePreview } from "./silence-preview.tsx";

/** The preview waits until nobody types. */
const PREVIEW_DELAY_MS = 400;

/** What every silence has. */
export interface CommonDraft {
  readonly matchers: readonly Matcher[];
  readonly createdBy: string;
  readonly comment: string;
}

export interface SilenceFormFrameProps {
  readonly title: string;
  readonly draft: CommonDraft;
  readonly onChange: (part: Partial<CommonDraft>) => void;
  /** In a sentence; empty for nothing. */
  readonly problem: string;
  readonly submitLabel: string;
  readonly isSending: boolean;
  readonly onSubmit: () => void;
  readonly cancelHref: string;
  /** When it holds. */
  readonly children: ComponentChildren;
  /** Below who and why. */
  readonly more?: ComponentChildren;
}

export function SilenceFormFrame(props: SilenceFormFrameProps): JSX.Element {
  const { title, draft, onChange, problem, submitLabel, isSending, onSubmit, cancelHref, children, more } = props;
  const previewed = useLater(typedMatchers(draft), PREVIEW_DELAY_MS);
  return (
    <>
      <PageHead title={title} />
      <form
        class="silence-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <section class="card padded">
          <MatcherFields matchers={draft.matchers} onChange={(matchers) => onChange({ matchers })} />
          {children}
          <div class="field-row">
            <label>
              <span>Created by</span>
              <input
                type="text"
                value={draft.createdBy}
                autocomplete="name"
                onInput={(event) => onChange({ createdBy: event.currentTarget.value })}
              />
            </label>
            <label class="wide">
              <span>Comment</span>
              <textarea
                rows={2}
                value={draft.comment}
                onInput={(event) => onChange({ comment: event.currentTarget.value })}
              />
            </label>
          </div>
          {more}
          {problem !== "" && (
            <p class="field-error" role="alert">
              {problem}
            </p>
          )}
          <p class="form-actions">
            <button type="submit" class="primary" disabled={isSending}>
              {submitLabel}
            </button>
            <a class="button" href={cancelHref}>
              Cancel
            </a>
          </p>
        </section>
        <SilencePreview matchers={previewed} />
      </form>
    </>
  );
}

/** Without rows in which nothing is typed. */
export function typedMatchers({ matchers }: CommonDraft): readonly Matcher[] {
  return matchers.filter(({ name, value }) => name !== "" || value !== "");
}

/** Whether who and why are said; the first that is missing, in a sentence. */
export function authorProblem({ createdBy, comment }: CommonDraft): string {
  if (createdBy.trim() === "") return "Say who creates it";
  return comment.trim() === "" ? "Say why, for those who wonder later" : "";
}

/** The value as it was when it had not changed for so long. */
function useLater<T>(value: T, delayMs: number): T {
  const [later, setLater] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), delayMs);
    return () => clearTimeout(timer);
  }, [key, delayMs]);
  return later;
}
