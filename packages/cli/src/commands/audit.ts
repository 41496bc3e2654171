import { type Asked, ask, type ReplyOf } from '@aico/client/ask';
import { counted, ExitCode } from '@aico/protocol';
import { type Command, Option } from 'commander';
import { instant, TIMES, wholeNumber } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailedError } from '../errors.ts';
import { coloured, table } from '../terminal/table.ts';

type Query = NonNullable<Asked<'get', '/api/v1/audit'>['query']>;
type Event = ReplyOf<'get', '/api/v1/audit'>['events'][number];

const MOST_EVENTS = 1_000;

export function register(program: Command, context: CommandContext): void {
  const audit = program.command('audit').description('read and check the trail of security-relevant events');
  audit
    .command('ls')
    .description('the newest events, newest first')
    .option('-n, --lines <count>', 'how many', wholeNumber(1, MOST_EVENTS), 50)
    .option('--before <number>', 'only events before this one', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--action <name>', 'only this action, such as device.paired; or device for all of devices')
    .option('--actor <name>', 'only what local, backend, device:ID or stranger:ADDRESS did')
    .option('--subject <id>', 'only what was done to this device, plugin, slot or component')
    .addOption(new Option('--outcome <outcome>', 'only what was done, or failed').choices(['done', 'failed']))
    .option('--since <time>', `only events from then on: ${TIMES}`, instant)
    .option('--until <time>', 'only earlier events', instant)
    .action((options: Query & { readonly lines: number }) => list(context, options));
  audit
    .command('verify')
    .description('check every event, their order, and that none is missing; names the first that is wrong')
    .action(() => verify(context));
}

async function list(
  context: CommandContext,
  { lines, ...filter }: Query & { readonly lines: number },
): Promise<void> {
  const query = { ...filter, limit: lines };
  const { events } = await ask(await context.client(), 'get', '/api/v1/audit', { query });
  context.output.print(events, (found) =>
    table(['number', 'time', 'actor', 'action', 'subject', 'outcome', 'details'], found.map(cellsOf)),
  );
}

function cellsOf({ seq, time, actor, action, subject, outcome, details }: Event) {
  const said = Object.keys(details).length === 0 ? '' : JSON.stringify(details);
  return [seq, new Date(time).toISOString(), actor, action, subject, coloured(outcome), said];
}

/** @throws {CommandFailedError} with the database's exit code when a row is wrong or missing */
async function verify(context: CommandContext): Promise<void> {
  const verdict = await ask(await context.client(), 'post', '/api/v1/audit/verify', {});
  const { ok, rows, firstBroken, reason } = verdict;
  context.output.print(verdict, () =>
    ok
      ? `The trail is in order: ${counted(rows, 'event')}.`
      : `The first ${counted(rows, 'event')} are in order. Number ${firstBroken}: ${reason}.`,
  );
  if (!ok)
    throw new CommandFailedError(
      `the audit trail was changed at number ${firstBroken}`,
      ExitCode.database,
      'docs/audit.md says what this means and what to do.',
    );
}
