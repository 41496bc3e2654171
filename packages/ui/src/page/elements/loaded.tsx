import type { ComponentChildren } from 'preact';
import type { Loading } from '../backend/loading.ts';
import { FailureBox } from './failure-box.tsx';

interface LoadedProps<T> {
  readonly of: Loading<T>;
  readonly children: (value: T) => ComponentChildren;
}

/** Shows a value once it is loaded, and until then that it is loading or why it could not be loaded. */
export function Loaded<T>({ of: { value, failure, refresh }, children }: LoadedProps<T>) {
  return (
    <>
      <FailureBox failure={failure} onRetry={refresh} />
      {value === undefined ? failure === undefined && <p class="loading quiet">Loading…</p> : children(value)}
    </>
  );
}
