import type { BusEvent } from '@aico/client/page';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useClient } from './client-context.ts';
import { type Failure, failureOf } from './failure.ts';
import { useVisible } from './visibility.ts';

interface FollowOptions {
  /** Receives the events of one frame together. */
  readonly onEvents: (events: readonly BusEvent[]) => void;
  /** Events were lost: so many, or an unknown number. */
  readonly onGap?: (lost: number | undefined) => void;
}

/** The state of a live stream. */
export interface Following {
  readonly isOpen: boolean;
  readonly failure: Failure | undefined;
}

/**
 * Follows an event stream while the page is visible. The client resumes it after a break. When the page becomes visible
 * again, `path` is called for a stream that continues after the last event, where the stream has numbers.
 *
 * @param key names the stream; `undefined` follows nothing
 */
export function useFollowing(
  key: string | undefined,
  path: () => string,
  { onEvents, onGap }: FollowOptions,
): Following {
  const client = useClient();
  const isVisible = useVisible();
  const [state, setState] = useState<Following>({ isOpen: false, failure: undefined });
  const latest = useRef({ path, onEvents, onGap });
  latest.current = { path, onEvents, onGap };
  useEffect(() => {
    if (key === undefined || !isVisible) return;
    const over = new AbortController();
    let waiting: BusEvent[] = [];
    const deliver = (): void => {
      const events = waiting;
      waiting = [];
      if (!over.signal.aborted) latest.current.onEvents(events);
    };
    const run = async (): Promise<void> => {
      const events = client.follow(latest.current.path(), {
        signal: over.signal,
        onOpen: () => setState({ isOpen: true, failure: undefined }),
        onGap: (lost) => latest.current.onGap?.(lost),
        onRetry: (error) => setState({ isOpen: false, failure: failureOf(error) }),
      });
      for await (const event of events) {
        waiting.push(event);
        if (waiting.length === 1) requestAnimationFrame(deliver);
      }
    };
    run().catch((error: unknown) => {
      if (!over.signal.aborted) setState({ isOpen: false, failure: failureOf(error) });
    });
    return () => over.abort();
  }, [client, key, isVisible]);
  return state;
}
