import { useRef } from 'preact/hooks';
import type { Status } from '../../backend/overview.ts';
import { Sparkline } from '../../elements/sparkline.tsx';
import { bytesText, durationText } from '../../elements/values.ts';

/** Two minutes of samples. */
const ROOM = 60;

/** The load of the backend while the pane is shown. */
export function LoadCharts({ status }: { readonly status: Status }) {
  const samples = useRef<readonly Status[]>([]);
  const last = samples.current.at(-1);
  // After a restart the counters begin again.
  if (last?.pid !== status.pid) samples.current = [status];
  else if (last.uptimeMs !== status.uptimeMs) samples.current = [...samples.current, status].slice(-ROOM - 1);
  const all = samples.current;
  const later = all.slice(1);
  const rates = later.map(({ load, uptimeMs }, index) => {
    const before = all[index];
    const begun = (load.requests?.begun ?? 0) - (before?.load.requests?.begun ?? 0);
    return begun / ((uptimeMs - (before?.uptimeMs ?? 0)) / 1_000);
  });
  const delays = later.map(({ load }) => load.eventLoop.maxDelayMs);
  const busy = later.map(({ load }) => load.eventLoop.busy);
  const memory = all.map(({ load }) => load.memory.rssBytes);
  return (
    <div class="sparks">
      <Sparkline label="event loop delay" values={delays} room={ROOM} show={durationText} />
      <Sparkline
        label="event loop busy"
        values={busy}
        room={ROOM}
        show={(part) => `${(part * 100).toFixed(1)} %`}
      />
      <Sparkline label="requests" values={rates} room={ROOM} show={(rate) => `${rate.toFixed(1)} /s`} />
      <Sparkline label="memory" values={memory} room={ROOM} show={bytesText} />
    </div>
  );
}
