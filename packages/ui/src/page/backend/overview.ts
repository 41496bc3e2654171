import {
  ask,
  type Client,
  checkReply,
  ensureOk,
  type LoggedLine,
  loggedLineOf,
  type ReplyOf,
} from '@aico/client/page';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from './failure.ts';
import { useFollowing } from './following.ts';
import { type Loading, useLoading } from './loading.ts';

export type Status = ReplyOf<'get', '/api/v1/system/status'>;
export type Health = ReplyOf<'get', '/api/v1/health'>;
export type Service = Status['report']['services'][number];

/** The state of the whole backend, which the header and the pane Now show. */
export interface Overview {
  readonly status: Loading<Status>;
  readonly health: Loading<Health>;
  /** Lines of `warn` and above since the page was opened, newest first, and some from before. */
  readonly troubles: readonly LoggedLine[];
  /** Why the backend cannot be reached. */
  readonly unreachable: Failure | undefined;
}

const STATUS_MS = 2_000;
const HEALTH_MS = 10_000;
const TROUBLES = 50;

/**
 * Loads the state at intervals, and at once when the backend logs a warning or an error or the connection breaks: every failure
 * of a service is logged.
 */
export function useOverview(): Overview {
  const status = useLoading((client) => ask(client, 'get', '/api/v1/system/status', {}), 'status', STATUS_MS);
  const health = useLoading(healthReport, 'health', HEALTH_MS);
  const [troubles, setTroubles] = useState<readonly LoggedLine[]>([]);
  const earlier = useLoading(
    (client) => ask(client, 'get', '/api/v1/logs', { query: { level: 'warn', limit: TROUBLES } }),
    'troubles',
  );
  const newest = useRef<number | undefined>(undefined);
  newest.current = Math.max(troubles[0]?.id ?? 0, earlier.value?.logs[0]?.id ?? 0);
  const refresh = (): void => {
    status.refresh();
    health.refresh();
  };
  const live = useFollowing(
    earlier.value === undefined ? undefined : 'troubles',
    () => `/api/v1/logs/stream?level=warn&after=${newest.current ?? 0}`,
    {
      onEvents: (events) => {
        const lines = events.map(loggedLineOf).reverse();
        setTroubles((before) => [...lines, ...before].slice(0, TROUBLES));
        refresh();
      },
    },
  );
  // Only a change of the connection matters.
  useEffect(refresh, [live.isOpen]);
  return {
    status,
    health,
    troubles: withoutRepeats([...troubles, ...(earlier.value?.logs ?? [])]).slice(0, TROUBLES),
    unreachable: status.failure,
  };
}

/** An unhealthy backend answers 503 with its report. */
async function healthReport(client: Client): Promise<Health> {
  const response = await client.fetch('/api/v1/health');
  const isReport = response.headers.get('content-type')?.startsWith('application/json') === true;
  if (response.status !== 503 || !isReport) await ensureOk(response);
  return checkReply('get', '/api/v1/health', await response.json());
}

/** When the page becomes visible again, the earlier lines are loaded again. */
function withoutRepeats(lines: readonly LoggedLine[]): readonly LoggedLine[] {
  return [...new Map(lines.map((line) => [line.id, line])).values()].sort((a, b) => b.id - a.id);
}
