import { ask, type ReplyOf } from '@aico/client/ask';
import { ProblemError } from '@aico/client/local';
import type { Command } from 'commander';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { coloured, table } from '../terminal/table.ts';
import { nodeTable } from './node.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('the state of each service, its start time in milliseconds, and what it waited for')
    .action(async () => {
      const client = await context.client(QUICK_ANSWER_MS);
      const [status, nodes] = await Promise.all([
        ask(client, 'get', '/api/v1/system/status', {}),
        ask(client, 'get', '/api/v1/nodes', {}).catch(unlessForbidden),
      ]);
      if (nodes?.shared !== true) context.output.print(status, render);
      else
        context.output.print({ ...status, nodes: nodes.nodes }, () =>
          [render(status), '', nodeTable(nodes)].join('\n'),
        );
    });
}

/** A guest may see the state of the backend and not the nodes; a locked backend does not know them. */
function unlessForbidden(error: unknown): undefined {
  if (error instanceof ProblemError && [403, 404, 503].includes(error.problem.status)) return undefined;
  throw error;
}

type Status = ReplyOf<'get', '/api/v1/system/status'>;

function render(status: Status): string {
  const { services, totalMs } = status.report;
  const rows = services
    .toSorted((a, b) => a.waitedMs - b.waitedMs)
    .map((service) => [
      service.name,
      coloured(service.state) + (service.required ? '' : ' (optional)'),
      service.ms.toFixed(1),
      service.waitedOn === undefined ? '' : `${service.waitedOn} (${service.waitedMs.toFixed(1)} ms)`,
      service.attempts > 1 ? service.attempts : '',
      service.dependencies.join(', '),
      service.error === undefined ? '' : `${service.error.code}: ${service.error.message}`,
    ]);
  return [
    `AICO ${status.version}, ${coloured(status.state)}, ${status.environment}, pid ${status.pid}, up ${duration(status.uptimeMs)}`,
    `API ${status.addresses.socket ?? '-'}, health ${status.addresses.http ?? '-'}, home ${status.home}`,
    `${services.length} services, started in ${totalMs.toFixed(0)} ms`,
    loadText(status.load),
    '',
    table(['service', 'state', 'ms', 'waited for', 'tries', 'needs', 'error'], rows),
  ].join('\n');
}

function loadText({ eventLoop, memory, requests }: Status['load']): string {
  const mib = (memory.rssBytes / 1_048_576).toFixed(0);
  const busy = `event loop ${(eventLoop.busy * 100).toFixed(1)} % busy`;
  if (requests === undefined) return `${mib} MiB, ${busy}`;
  return `${mib} MiB, ${busy}, ${requests.begun} requests, ${requests.pending} pending`;
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
