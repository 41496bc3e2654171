/** The steps of a start, in order. */
export type StartPhase = 'construct' | 'initialize' | 'start';

/** Where a service stands. Changed by the {@link Supervisor} alone. */
export type ServiceState =
  /** Not asked to start yet. */
  | { readonly kind: 'registered' }
  /** A dependency does not run yet. */
  | { readonly kind: 'waiting' }
  /** Kept from running by `ServiceContainer.hold`, itself or something it depends on. */
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'starting'; readonly phase: StartPhase; readonly attempt: number }
  | { readonly kind: 'running' }
  /** Failed, and will be tried again: degraded. */
  | {
      readonly kind: 'retrying';
      /** The attempt that failed. */
      readonly attempt: number;
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** Failed for good, until it is reloaded or the container starts anew. */
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' };
