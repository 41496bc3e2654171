import type { HealthReport } from '@aico/backend';
import { ExitCode } from '@aico/backend/exit-codes';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { coloured, table } from '../output.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('health')
    .description(`run every health check; exit code ${ExitCode.unhealthy} when the backend is unhealthy`)
    .action(async () => {
      const client = await context.client();
      const report = (await client.json('/api/v1/health')) as HealthReport;
      context.output.print(report, render);
      if (report.status === 'unhealthy') process.exitCode = ExitCode.unhealthy;
    });
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
