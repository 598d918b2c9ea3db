/** The row of controls above a graph. */
import type { JSX } from "preact";
import { Choice } from "../shell/widgets.tsx";
import type { PanelState } from "../state/page-state.ts";
import { RangeInput, ResolutionSelect, TimeInput } from "./time-controls.tsx";

/** Range, end, resolution, stacking and the foot of the value axis of `panel`. */
export function GraphControls({
  panel,
  onChange,
}: {
  panel: PanelState;
  onChange: (change: Partial<PanelState>) => void;
}): JSX.Element {
  return (
    <fieldset class="graph-controls">
      <legend class="visually-hidden">Graph</legend>
      <RangeInput rangeMs={panel.rangeMs} onChange={(rangeMs) => onChange({ rangeMs })} />
      <TimeInput
        label="End"
        time={panel.endTime}
        rangeMs={panel.rangeMs}
        onChange={(endTime) => onChange({ endTime })}
      />
      <ResolutionSelect
        resolution={panel.resolution}
        rangeMs={panel.rangeMs}
        onChange={(resolution) => onChange({ resolution })}
      />
      <Choice<PanelState["display"]>
        label="Lines"
        value={panel.display}
        options={[
          ["lines", "Lines"],
          ["stacked", "Stacked"],
        ]}
        onChange={(display) => onChange({ display })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={panel.yMin === 0}
          onChange={(event) => onChange({ yMin: event.currentTarget.checked ? 0 : null })}
        />
        From zero
      </label>
    </fieldset>
  );
}

/** What dragging, panning and zooming a graph mean for the times of its panel. */
export function graphMoves(
  panel: PanelState,
  grid: { readonly end: number },
  onChange: (change: Partial<PanelState>) => void,
): {
  onZoom: (start: number, end: number) => void;
  onPan: (byMs: number) => void;
  onZoomStep: (direction: "in" | "out") => void;
} {
  const whole = (t: number): number => Math.round(t / 1000) * 1000;
  return {
    onZoom: (start, end) => onChange({ rangeMs: Math.max(1000, whole(end - start)), endTime: whole(end) }),
    onPan: (byMs) => {
      const end = whole(grid.end + byMs);
      // Dragged past now means: follow the present again.
      onChange({ endTime: end >= Date.now() ? null : end });
    },
    onZoomStep: (direction) => {
      const rangeMs = Math.max(1000, whole(panel.rangeMs * (direction === "in" ? 0.5 : 2)));
      if (panel.endTime === null) return onChange({ rangeMs });
      const end = whole(panel.endTime + (rangeMs - panel.rangeMs) / 2);
      onChange({ rangeMs, endTime: end >= Date.now() ? null : end });
    },
  };
}
