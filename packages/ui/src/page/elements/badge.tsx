/** How serious a state is. */
type Severity = 'good' | 'warn' | 'bad' | 'idle';

const SEVERITY: Readonly<Record<string, Severity>> = {
  healthy: 'good',
  ready: 'good',
  running: 'good',
  degraded: 'warn',
  retrying: 'warn',
  starting: 'warn',
  stopping: 'warn',
  waiting: 'warn',
  held: 'warn',
  locked: 'warn',
  warn: 'warn',
  unhealthy: 'bad',
  failed: 'bad',
  stopped: 'bad',
  error: 'bad',
  fatal: 'bad',
  unreachable: 'bad',
};

export function severityOf(state: string): Severity {
  return SEVERITY[state] ?? 'idle';
}

/** A state as a word with a colour. */
export function Badge({ state }: { readonly state: string }) {
  return <span class={`badge ${severityOf(state)}`}>{state}</span>;
}
