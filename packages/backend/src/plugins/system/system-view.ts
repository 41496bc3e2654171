import type { ServiceReport } from '../../core/container/start-report.ts';
import type { GatewayAddresses, RequestCounts } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import type { Placement } from '../../core/plugin/plugin-definition.ts';
import type { ProcessLoad } from '../../core/process/process-load.ts';

/** The reply of `/api/v1/system/status`. */
export interface SystemStatus {
  readonly pid: number;
  readonly version: string;
  readonly node: string;
  readonly environment: string;
  readonly home: string;
  readonly state: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly uptimeMs: number;
  readonly addresses: GatewayAddresses;
  readonly load: ProcessLoad & { readonly requests: RequestCounts | undefined };
  /** The start report: every service, its state, milliseconds and what it waited for. */
  readonly report: { readonly totalMs: number; readonly services: readonly ServiceReport[] };
}

/** A plugin, as `/api/v1/plugins` describes it. */
export interface PluginView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly priority: number;
  readonly state: string;
  readonly required: boolean;
  /** The nodes of the home that it runs on, and whether it runs on this one. */
  readonly runs: Placement;
  readonly isActive: boolean;
  /** The location of its code as a URL; empty for one that was registered by hand. */
  readonly module: string;
  /** From its definition. */
  readonly dependencies: readonly string[];
  readonly topics: readonly string[];
  readonly capabilities: Readonly<Record<string, string | undefined>>;
  /** Extension points that it offers, and those that it fills. */
  readonly offers: readonly string[];
  readonly fills: readonly string[];
  /** All services that depend on it. */
  readonly dependents: readonly string[];
  /** Its routes, subscriptions, consumers, timers and other resources that are open. */
  readonly opens: readonly string[];
  /** How often its code was loaded since the backend started. */
  readonly loads: number;
  /** The last change of the plugin, if it failed. */
  readonly problem:
    | { readonly code: string; readonly message: string; readonly hint: string | undefined }
    | undefined;
}

/** The plugins of a backend, and how they are changed while it runs. */
export interface PluginControl {
  views(): Promise<readonly PluginView[]>;
  view(name: string): Promise<PluginView>;
  reload(name: string): Promise<PluginView>;
  enable(name: string): Promise<PluginView>;
  disable(name: string, options?: { readonly withDependents?: boolean }): Promise<PluginView>;
  /** Degraded while the last change of a plugin has failed. */
  health(): HealthCheckResult;
}

/** The state of the whole backend, which only the composition root sees. */
export interface SystemView {
  readonly version: string;
  readonly environment: string;
  status(): SystemStatus;
  readonly plugins: PluginControl;
  /** Begins an orderly stop. */
  stop(): void;
}
