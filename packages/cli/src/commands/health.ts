import type { HealthReport } from '@aico/backend';
import { ExitCode } from '@aico/backend/exit-codes';
import { ensureOk } from '@aico/client/local';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { coloured, table } from '../output.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('health')
    .description(`run every health check; exit code ${ExitCode.unhealthy} when the backend is unhealthy`)
    .action(async () => {
      const response = await (await context.client()).fetch('/api/v1/health');
      // An unhealthy backend says so with 503, and with the same report.
      if (response.status !== 503) await ensureOk(response);
      const report: unknown = await response.clone().json();
      if (!isHealthReport(report)) return ensureOk(response);
      context.output.print(report, render);
      if (report.status === 'unhealthy') process.exitCode = ExitCode.unhealthy;
    });
}

function isHealthReport(value: unknown): value is HealthReport {
  return typeof value === 'object' && value !== null && 'checks' in value && typeof value.checks === 'object';
}

function render({ status, checks }: HealthReport): string {
  const rows = Object.entries(checks).map(([name, check]) => [
    name,
    coloured(check.status),
    check.durationMs.toFixed(1),
    check.detail ?? '',
  ]);
  return `${coloured(status)}\n\n${table(['check', 'status', 'ms', 'detail'], rows)}`;
}
