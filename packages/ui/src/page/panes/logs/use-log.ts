import { ask, type LoggedLine, loggedLineOf } from '@aico/client/page';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useClient } from '../../backend/client-context.ts';
import { type Failure, failureOf } from '../../backend/failure.ts';
import { useFollowing } from '../../backend/following.ts';
import type { Filter } from './filter.ts';

/** Lines that one request loads. */
const PAGE = 500;
/** More lines than this are not kept; the oldest are dropped. */
const MOST = 1_000_000;

/** The loaded part of the log, oldest first. */
export interface Log {
  readonly lines: readonly LoggedLine[];
  /** Lines that arrived since the view was paused. */
  readonly waiting: number;
  readonly isLoading: boolean;
  /** Whether older lines can be loaded. */
  readonly hasOlder: boolean;
  readonly isLive: boolean;
  readonly failure: Failure | undefined;
  /** Loads the page before the first line. Resolves with the number of lines. */
  loadOlder(): Promise<number>;
}

interface Loaded {
  readonly key: string;
  readonly lines: readonly LoggedLine[];
  readonly hasOlder: boolean;
}

/**
 * The log from its end on, live.
 *
 * @param upTo the newest line to load first, for a permanent link
 */
export function useLog(filter: Filter, isPaused: boolean, upTo: number | undefined): Log {
  const client = useClient();
  const key = JSON.stringify([filter, upTo]);
  const [loaded, setLoaded] = useState<Loaded>();
  const [held, setHeld] = useState<readonly LoggedLine[]>([]);
  const [failure, setFailure] = useState<Failure>();
  const isBusy = useRef(false);
  const current = loaded?.key === key ? loaded : undefined;

  // The key names the filter.
  useEffect(() => {
    let isCurrent = true;
    setFailure(undefined);
    setHeld([]);
    const before = upTo === undefined ? {} : { before: upTo + 1 };
    ask(client, 'get', '/api/v1/logs', { query: { ...filter, ...before, limit: PAGE } }).then(
      ({ logs }) => {
        if (isCurrent) setLoaded({ key, lines: logs.toReversed(), hasOlder: logs.length > 0 });
      },
      (error: unknown) => {
        if (isCurrent) setFailure(failureOf(error));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [client, key]);

  const append = (more: readonly LoggedLine[]): void =>
    setLoaded((last) =>
      last === undefined ? last : { ...last, lines: [...last.lines, ...more].slice(-MOST) },
    );
  const isHeld = useRef(isPaused);
  isHeld.current = isPaused;
  const last = held.at(-1)?.id ?? current?.lines.at(-1)?.id ?? upTo ?? 0;
  const { isOpen, failure: broken } = useFollowing(
    current === undefined ? undefined : key,
    () => `/api/v1/logs/stream?${new URLSearchParams({ ...filter, after: String(last) })}`,
    {
      onEvents: (events) => {
        const lines = events.map(loggedLineOf);
        if (isHeld.current) setHeld((before) => [...before, ...lines].slice(-MOST));
        else append(lines);
      },
    },
  );
  // The lines that are held are shown when the pause ends.
  useEffect(() => {
    if (isPaused || held.length === 0) return;
    append(held);
    setHeld([]);
  }, [isPaused]);

  return {
    lines: current?.lines ?? [],
    waiting: held.length,
    isLoading: current === undefined && failure === undefined,
    hasOlder: current?.hasOlder ?? false,
    isLive: isOpen,
    failure: failure ?? broken,
    async loadOlder() {
      const first = current?.lines[0]?.id;
      if (first === undefined || isBusy.current || current?.hasOlder !== true) return 0;
      isBusy.current = true;
      try {
        const query = { ...filter, before: first, limit: PAGE };
        const { logs } = await ask(client, 'get', '/api/v1/logs', { query });
        setLoaded((now) =>
          now?.key === key && now.lines[0]?.id === first
            ? { ...now, lines: [...logs.toReversed(), ...now.lines], hasOlder: logs.length > 0 }
            : now,
        );
        return logs.length;
      } catch (error) {
        setFailure(failureOf(error));
        return 0;
      } finally {
        isBusy.current = false;
      }
    },
  };
}
