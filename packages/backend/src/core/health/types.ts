/** The result of a check. `degraded` still serves; `unhealthy` does not. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** The outcome of one check, as the component that was asked describes it. */
export interface HealthCheckResult {
  readonly status: HealthStatus;
  /** One sentence for a person; required by convention when not healthy. */
  readonly detail?: string;
  /** Figures worth seeing: counts, sizes, ages. Never content, never secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A check: asked on demand, answers within its deadline or counts as unhealthy. */
export type HealthCheck = (signal: AbortSignal) => Promise<HealthCheckResult> | HealthCheckResult;

/** One check as the report shows it. */
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

export interface HealthCheckOptions {
  /** Milliseconds until the check counts as unhealthy. Default 1 000. */
  readonly timeoutMs?: number;
  /** A check the backend is not ready without. Default `false`: its failure degrades. */
  readonly critical?: boolean;
}

/** The service `'health'`: runs every registered check and says what was found. */
export interface HealthRegistry {
  /** Adds a check; the returned function takes it away. */
  register(name: string, check: HealthCheck, options?: HealthCheckOptions): () => void;
  /** Runs every check at once. Healthy only when every check says healthy. */
  report(): Promise<HealthReport>;
}
