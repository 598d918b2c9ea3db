/** A part of the page whose faults stay its own. */
import type { ComponentChildren, JSX } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { Notice } from "./widgets.tsx";

/** Shows its children, or what went wrong in them with a way to try again. */
export function Guarded({ children }: { children: ComponentChildren }): JSX.Element {
  const [crash, reset] = useErrorBoundary();
  if (!crash) return <>{children}</>;
  return (
    <Notice kind="error" title="This page hit a fault of its own">
      <p>
        <code>{String(crash)}</code>
      </p>
      <button type="button" onClick={reset}>
        Try again
      </button>
    </Notice>
  );
}
