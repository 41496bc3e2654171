/** The steps of a start, in order. */
export type StartPhase = 'construct' | 'initialize' | 'start';

/** The state of a service. Changed by the {@link Supervisor} only. */
export type ServiceState =
  /** Not started yet. */
  | { readonly kind: 'registered' }
  /** A dependency is not running yet. */
  | { readonly kind: 'waiting' }
  /** Kept from running by `ServiceContainer.hold`, directly or through a dependency. */
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'starting'; readonly phase: StartPhase; readonly attempt: number }
  | { readonly kind: 'running' }
  /** Failed, and will be retried: degraded. */
  | {
      readonly kind: 'retrying';
      /** The number of the failed attempt. */
      readonly attempt: number;
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** Failed permanently, until it is reloaded or the container is started again. */
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' };
