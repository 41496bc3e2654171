import type { ServiceReport } from '../../core/container/start-report.ts';
import type { GatewayAddresses } from '../../core/gateway.ts';

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
  /** The start report: every service, its state, milliseconds and what it waited for. */
  readonly report: { readonly totalMs: number; readonly services: readonly ServiceReport[] };
}

/** A loaded plugin, as `/api/v1/system/plugins` lists it. */
export interface PluginView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly priority: number;
  readonly state: string;
  readonly required: boolean;
  /** The location of its code as a URL; empty for one that was registered by hand. */
  readonly module: string;
  /** From its definition. */
  readonly dependencies: readonly string[];
  readonly topics: readonly string[];
  readonly capabilities: Readonly<Record<string, string | undefined>>;
}

/** The state of the whole backend, which only the composition root sees. */
export interface SystemView {
  status(): SystemStatus;
  plugins(): readonly PluginView[];
  /** Begins an orderly stop. */
  stop(): void;
}
