/** The frame of every dialog. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";

/** A modal dialog: Escape and a click beside it close it, the focus returns to where it was. */
export function Dialog(props: {
  open: boolean;
  title: string;
  wide?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (props.open && !dialog.open) dialog.showModal();
    else if (!props.open && dialog.open) dialog.close();
  }, [props.open]);
  return (
    <dialog
      ref={element}
      class={props.wide ? "wide" : ""}
      aria-label={props.title}
      onClose={props.onClose}
      onMouseDown={(event) => {
        if (event.target === element.current) props.onClose();
      }}
    >
      {props.open && (
        <div class="dialog-body">
          <div class="dialog-head">
            <h2>{props.title}</h2>
            <button type="button" class="plain" aria-label="Close" onClick={props.onClose}>
              <Icon name="close" />
            </button>
          </div>
          {props.children}
        </div>
      )}
    </dialog>
  );
}
