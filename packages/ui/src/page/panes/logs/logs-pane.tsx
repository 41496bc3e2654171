import { ask, type LoggedLine } from '@aico/client/page';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLoading } from '../../backend/loading.ts';
import { FailureBox } from '../../elements/failure-box.tsx';
import { linkTo } from '../../elements/route.ts';
import { countText } from '../../elements/values.ts';
import { filterFrom } from './filter.ts';
import { LogDetails } from './log-details.tsx';
import { LogFilter } from './log-filter.tsx';
import { LogList } from './log-list.tsx';
import { useLog } from './use-log.ts';

/** The log: live, filtered, with the details of one line. */
export function LogsPane({ parameters }: { readonly parameters: URLSearchParams }) {
  const filter = filterFrom(parameters);
  const linked = /^\d+$/.exec(parameters.get('id') ?? '')?.[0];
  const id = linked === undefined ? undefined : Number(linked);
  const [isPaused, setPaused] = useState(false);
  const [isFollowing, setFollowing] = useState(true);
  const [line, setLine] = useState<LoggedLine>();
  const log = useLog(filter, isPaused, id);
  const counts = useLoading((client) => ask(client, 'get', '/api/v1/logs/counts', {}), 'counts');
  const services = [...new Set(counts.value?.counts.map(({ service }) => service) ?? [])].sort();
  const found = id === undefined ? undefined : log.lines.find((each) => each.id === id);
  // A line that the user has closed before it was loaded does not open later.
  const closed = useRef<number | undefined>(undefined);
  const close = (): void => {
    closed.current = id;
    setLine(undefined);
  };
  const latestClose = useRef(close);
  latestClose.current = close;
  useEffect(() => {
    if (found === undefined || found.id !== closed.current) setLine(found);
  }, [found]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'p' && !isTyping(event)) setPaused((before) => !before);
      if (event.key === 'Escape') latestClose.current();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const select = (next: LoggedLine): void => {
    setLine(next);
    setFollowing(false);
  };
  return (
    <div class="logs">
      <form class="bar" onSubmit={(event) => event.preventDefault()}>
        <LogFilter
          filter={filter}
          services={services}
          onChange={(next) => {
            location.hash = linkTo('logs', next);
          }}
        />
        <button type="button" aria-pressed={isPaused} title="p" onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Continue' : 'Pause'}
        </button>
        <span class="quiet" role="status">
          {stateText(isPaused, log.isLive, log.waiting)}
        </span>
      </form>
      <FailureBox failure={log.failure} />
      {log.isLoading && <p class="loading quiet">Loading…</p>}
      {!log.isLoading && log.lines.length === 0 && <p class="quiet">No line of the log matches.</p>}
      <LogList
        log={log}
        selected={line?.id}
        onSelect={select}
        isFollowing={isFollowing && !isPaused && line === undefined}
        onFollow={setFollowing}
      />
      {line !== undefined && <LogDetails line={line} onClose={close} />}
    </div>
  );
}

function stateText(isPaused: boolean, isLive: boolean, waiting: number): string {
  if (isPaused) return waiting === 0 ? 'paused' : `paused, ${countText(waiting)} new`;
  return isLive ? 'live' : 'connecting';
}

/** Whether a key belongs to a field that has the focus. */
function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
