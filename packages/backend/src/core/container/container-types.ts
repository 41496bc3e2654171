import type { ServiceName, Services } from '../services.ts';
import type { ServiceEvent } from './service-event.ts';
import type { StartReport } from './start-report.ts';
import type { StopReport } from './stop-report.ts';

/** The type of a service registered as `N`: the one that `Services` declares, else any. */
export type InstanceOf<N extends string> = N extends ServiceName ? Services[N] : unknown;

/** Hands out a declared dependency. */
export type RequireService = <D extends ServiceName>(name: D) => Services[D];

/** Makes a service. Called when its dependencies run, never before the start. */
export type ServiceFactory<N extends string> = (
  requireService: RequireService,
) => InstanceOf<N> | Promise<InstanceOf<N>>;

/** Where the container stands. */
export type ContainerState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'starting'; readonly outcome: Promise<StartReport> }
  | { readonly kind: 'running'; readonly outcome: Promise<StartReport> }
  | { readonly kind: 'stopping'; readonly outcome: Promise<StopReport> }
  | { readonly kind: 'stopped'; readonly report: StopReport };

export interface ServiceContainerOptions {
  /** Told what happens to services. By default it goes to the `logging` service, else to process warnings. */
  readonly onEvent?: (event: ServiceEvent) => void;
  /** A number from 0 up to 1, for the jitter of retries. Default `Math.random`. */
  readonly random?: () => number;
  /** Milliseconds a phase of a start may take without any progress, where its service says no other. Default 10 000. */
  readonly startTimeoutMs?: number | undefined;
}

export interface StopOptions {
  /** Why, for the report. */
  readonly reason?: string;
  /** Milliseconds for the whole of it; what hangs cannot use them up. Default: each service's own deadline counts. */
  readonly budgetMs?: number;
}
