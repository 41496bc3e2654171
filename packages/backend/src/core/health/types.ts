/** The result of a check. `degraded` still serves requests; `unhealthy` does not. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** The outcome of one check, as its component describes it. */
export interface HealthCheckResult {
  readonly status: HealthStatus;
  /** One sentence for a person; by convention required when not healthy. */
  readonly detail?: string;
  /** Figures such as counts, sizes and ages. Never content or secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A health check: called on demand, and not again before it has answered. The signal is aborted after `timeoutMs`. */
export type HealthCheck = (signal: AbortSignal) => Promise<HealthCheckResult> | HealthCheckResult;

/** One check in the report. */
export interface HealthCheckOutcome extends HealthCheckResult {
  /** Whether the backend is not ready without it. */
  readonly critical: boolean;
  readonly durationMs: number;
}

/** The reply of `/api/v1/health`. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly checks: Readonly<Record<string, HealthCheckOutcome>>;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
}

/** How a health check counts. */
export interface HealthCheckOptions {
  /** Milliseconds without an answer until the check is unhealthy; after a second it is degraded. Default 10 000. */
  readonly timeoutMs?: number;
  /** Whether the backend is not ready without it. Default `false`: its failure degrades. */
  readonly critical?: boolean;
}

/** The service `'health'`: runs every registered check and combines the results. */
export interface HealthRegistry {
  /** Adds a check; the returned function removes it. */
  register(name: string, check: HealthCheck, options?: HealthCheckOptions): () => void;
  /** Runs every check concurrently. Healthy only if every check is healthy. */
  report(): Promise<HealthReport>;
}
