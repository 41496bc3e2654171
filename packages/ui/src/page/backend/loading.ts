import type { Client } from '@aico/client/page';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useClient } from './client-context.ts';
import { type Failure, failureOf } from './failure.ts';
import { useVisible } from './visibility.ts';

/** A value of the backend. After a failed refresh the last value stays, beside the failure. */
export interface Loading<T> {
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  /** Loads the value again. */
  refresh(): void;
}

/**
 * Loads a value, again whenever `key` changes, and while the page is visible every `everyMs`.
 *
 * @param key names everything that `load` depends on
 * @example const devices = useLoading((client) => ask(client, 'get', '/api/v1/devices', {}), 'devices');
 */
export function useLoading<T>(
  load: (client: Client) => Promise<T>,
  key: string,
  everyMs?: number,
): Loading<T> {
  const client = useClient();
  const isVisible = useVisible();
  const [loaded, setLoaded] = useState<{ key: string; value?: T; failure?: Failure }>({ key });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // A change of `turn` has it loaded again.
  useEffect(() => {
    if (!isVisible) return;
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = async (): Promise<void> => {
      try {
        const value = await latest.current(client);
        if (isCurrent) setLoaded({ key, value });
      } catch (error) {
        if (isCurrent)
          setLoaded((last) => ({ ...(last.key === key ? last : { key }), failure: failureOf(error) }));
      }
      if (isCurrent && everyMs !== undefined) timer = setTimeout(() => void next(), everyMs);
    };
    void next();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [client, key, everyMs, isVisible, turn]);
  const refresh = useCallback(() => setTurn((count) => count + 1), []);
  const isOfKey = loaded.key === key;
  return {
    value: isOfKey ? loaded.value : undefined,
    failure: isOfKey ? loaded.failure : undefined,
    refresh,
  };
}
