import { checkReply, type ReplyOf } from '@aico/client/ask';
import { ensureOk } from '@aico/client/local';
import { ExitCode } from '@aico/protocol';
import type { Command } from 'commander';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { coloured, table } from '../terminal/table.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('health')
    .description(`run every health check; exit code ${ExitCode.unhealthy} when the backend is unhealthy`)
    .action(async () => {
      const response = await (await context.client(QUICK_ANSWER_MS)).fetch('/api/v1/health');
      // An unhealthy backend answers 503 with the same report.
      const isReport = response.headers.get('content-type')?.startsWith('application/json') === true;
      if (response.status !== 503 || !isReport) await ensureOk(response);
      const report = checkReply('get', '/api/v1/health', await parsed(response));
      context.output.print(report, render);
      if (report.status === 'unhealthy') process.exitCode = ExitCode.unhealthy;
    });
}

/** Parses JSON; `undefined` if it is invalid. */
async function parsed(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    // Refused as a reply of another shape.
    return undefined;
  }
}

function render({ status, checks }: ReplyOf<'get', '/api/v1/health'>): string {
  const rows = Object.entries(checks).map(([name, check]) => [
    name,
    coloured(check.status),
    check.durationMs.toFixed(1),
    check.detail ?? '',
  ]);
  return `${coloured(status)}\n\n${table(['check', 'status', 'ms', 'detail'], rows)}`;
}
