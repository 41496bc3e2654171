import type { ServiceName, Services } from '../services.ts';
import type { ServiceEvent } from './service-event.ts';
import type { StartReport } from './start-report.ts';
import type { StopReport } from './stop-report.ts';

/** The type of a service registered as `N`: the one that `Services` declares, else `unknown`. */
export type InstanceOf<N extends string> = N extends ServiceName ? Services[N] : unknown;

/** Returns a declared dependency. */
type RequireService = <D extends ServiceName>(name: D) => Services[D];

/** Creates a service. Called when its dependencies run, never before the start. */
export type ServiceFactory<N extends string> = (
  requireService: RequireService,
) => InstanceOf<N> | Promise<InstanceOf<N>>;

/** The state of the container. */
export type ContainerState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'starting'; readonly outcome: Promise<StartReport> }
  | { readonly kind: 'running'; readonly outcome: Promise<StartReport> }
  | { readonly kind: 'stopping'; readonly outcome: Promise<StopReport> }
  | { readonly kind: 'stopped'; readonly report: StopReport };

export interface ServiceContainerOptions {
  /** Called with events of services. Default: the `logging` service, or process warnings without one. */
  readonly onEvent?: (event: ServiceEvent) => void;
  /** A number from 0 up to 1, for the jitter of retries. Default `Math.random`. */
  readonly random?: () => number;
  /** Milliseconds that a phase of a start may take without progress, unless its service sets another limit. Default 10 000. */
  readonly startTimeoutMs?: number | undefined;
}

export interface StopOptions {
  /** The reason, for the report. */
  readonly reason?: string;
  /**
   * Milliseconds for the whole stop; a service that hangs cannot use them up. Default: only the services' own deadlines apply.
   */
  readonly budgetMs?: number;
}
