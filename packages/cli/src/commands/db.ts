import { ask, type ReplyOf } from '@aico/client/ask';
import { counted, ExitCode, inexactNumberIn, parseJson } from '@aico/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import type { AcceptOptions } from '../database/accept-rollback.ts';
import type { RestoreCommandOptions } from '../database/backup.ts';
import { CommandFailedError } from '../errors.ts';
import { type SecretFiles, withSecretFiles } from '../security/secret-files.ts';
import { table } from '../terminal/table.ts';

/** The commands that are used less often are in modules of their own, which are loaded when they are called. */
export function register(program: Command, context: CommandContext): void {
  const db = program.command('db').description('inspect, back up and restore the encrypted database');
  db.command('status')
    .description('engine, location, size, columns in the clear, tables, migrations')
    .action(async () => {
      const status = await ask(await context.client(QUICK_ANSWER_MS), 'get', '/api/v1/database/status', {});
      context.output.print(status, renderStatus);
    });
  withSecretFiles(
    db
      .command('accept-rollback')
      .description('accept a database that was replaced on purpose as the newest; the backend must not run')
      .option('--yes', 'do not ask')
      .option('--cipher <name>', 'the cipher, aegis or sqlcipher, if the head that names it is missing'),
  ).action(async (options: AcceptOptions) =>
    (await import('../database/accept-rollback.ts')).acceptRolledBack(context, options),
  );
  withSecretFiles(
    db
      .command('backup')
      .description(
        'copy the encrypted database, its key slots and the configuration into a new folder in <directory>',
      )
      .argument('<directory>'),
  ).action(async (directory: string, options: SecretFiles) =>
    (await import('../database/backup.ts')).backUp(context, directory, options),
  );
  withSecretFiles(
    db
      .command('restore')
      .description('replace the home by a backup; the backend must not run')
      .argument('<backup>', 'a folder that `aico db backup` made')
      .option('--yes', 'do not ask'),
  ).action(async (backup: string, options: RestoreCommandOptions) =>
    (await import('../database/backup.ts')).restore(context, backup, options),
  );
  withSecretFiles(
    db.command('rotate-key').description('encrypt the database under a new key; the backend must not run'),
  ).action(async (options: SecretFiles) =>
    (await import('../database/rotate-key.ts')).rotateDatabaseKey(context, options),
  );
  db.command('stats')
    .description('state, size and rows of the running database, and figures of its engine')
    .action(async () => {
      const stats = await ask(await context.client(QUICK_ANSWER_MS), 'get', '/api/v1/database/stats', {});
      context.output.print(stats, ({ tables, overdue, details, ...figures }) =>
        [
          ...overdue.map(
            ({ owner, statement, since }) =>
              `running since ${since}: ${statement} (${owner ?? 'the backend'})`,
          ),
          ...Object.entries({ ...figures, ...details }).map(([name, value]) => `${name}  ${value}`),
          '',
          table(
            ['table', 'rows'],
            tables.map(({ name, rows: count }) => [name, count]),
          ),
        ].join('\n'),
      );
    });
  db.command('vacuum')
    .description('return the space of deleted rows to the disk')
    .action(async () => {
      const answer = await ask(await context.client(), 'post', '/api/v1/database/vacuum', {});
      context.output.print(answer, ({ before, after }) => `${bytes(before)} before, ${bytes(after)} now`);
    });
  db.command('check')
    .description('read every page, index and reference of the running database')
    .action(() => check(context));
  db.command('query')
    .description('run one read-only statement')
    .argument('<sql>')
    .argument(
      '[params...]',
      'values for the question marks: a number, true, false, null, "text" or {"base64": …} as in JSON; any other value is text',
      (text: string, before: readonly (QueryValue | boolean)[] = []) => [...before, parameter(text)],
    )
    .option('-n, --limit <rows>', 'the most rows to print', wholeNumber(1, 10_000), 1_000)
    .action(async (sql: string, params: (QueryValue | boolean)[] = [], { limit }: { limit: number }) => {
      const body = { sql, params, limit };
      const answer = await ask(await context.client(), 'post', '/api/v1/database/query', { body });
      context.output.print(answer, renderRows);
      const { length } = answer.rows;
      if (answer.truncated)
        context.output.note(
          length < limit
            ? `Only the first ${counted(length, 'row')}: one answer holds no more.`
            : `Only the first ${counted(limit, 'row')}; --limit asks for more.`,
        );
    });
}

/** @throws {CommandFailedError} with the database's exit code when something is wrong */
async function check(context: CommandContext): Promise<void> {
  const answer = await ask(await context.client(), 'post', '/api/v1/database/check', {});
  context.output.print(answer, ({ ok, problems, brokenReferences }) =>
    ok
      ? 'Every page, index and reference is in order.'
      : [
          ...problems,
          ...(brokenReferences === 0 ? [] : [`broken references to rows: ${brokenReferences}`]),
        ].join('\n'),
  );
  if (!answer.ok) throw new CommandFailedError('the database is not in order', ExitCode.database);
}

function renderStatus(status: ReplyOf<'get', '/api/v1/database/status'>): string {
  const { engine, version, location, clear, capabilities, details } = status;
  return [
    location,
    `${engine} ${version}, ${bytes(status.bytes)}`,
    Object.entries(details)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    `capabilities: ${capabilities.length === 0 ? 'none' : capabilities.join(', ')}`,
    clear.length === 0
      ? 'Every column is encrypted.'
      : 'The administrator of the server can read these columns:',
    ...(clear.length === 0
      ? []
      : [
          table(
            ['table', 'columns in the clear'],
            clear.map(({ table: name, columns }) => [name, columns.join(', ')]),
          ),
        ]),
    '',
    table(
      ['table', 'rows'],
      status.tables.map(({ name, rows: count }) => [name, count]),
    ),
    '',
    table(
      ['owner', 'migration', 'applied'],
      status.migrations.map(({ owner, id, appliedAt }) => [owner, id, appliedAt]),
    ),
  ].join('\n');
}

function renderRows({ columns, rows: found }: ReplyOf<'post', '/api/v1/database/query'>): string {
  const lines = table(
    columns,
    found.map((row) => row.map(cell)),
  );
  return found.length === 0 ? `${lines}\nno rows` : lines;
}

type QueryValue = ReplyOf<'post', '/api/v1/database/query'>['rows'][number][number];

function cell(value: QueryValue): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('integer' in value) return value.integer;
  return 'real' in value ? value.real : `base64:${value.base64}`;
}

function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  return count < 1_048_576 ? `${(count / 1_024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`;
}

/**
 * A value for a placeholder: JSON if it is valid JSON, otherwise text. Text that begins like a number, such as a date, remains
 * text.
 * @throws {InvalidArgumentError} for a number that no column can hold exactly
 */
function parameter(text: string): QueryValue | boolean {
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) {
    const value = BigInt(text);
    if (BigInt.asIntN(64, value) !== value)
      throw new InvalidArgumentError(`${text} does not fit in 64 bits; as text: '"${text}"'`);
    return Number.isSafeInteger(Number(text)) ? Number(text) : { integer: text };
  }
  if (!/^(?:-?\d|"|\{"base64"|true$|false$|null$)/.test(text)) return text;
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    // Text that only begins like a number, such as a date.
    return text;
  }
  if (typeof value === 'number' && inexactNumberIn(text) !== undefined)
    throw new InvalidArgumentError(`${text} is no number that a column holds; as text: '"${text}"'`);
  if (Object.is(value, -0)) return { real: '-0' };
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string' || value === null)
    return value;
  if (typeof value === 'object' && 'base64' in value && typeof value.base64 === 'string')
    return { base64: value.base64 };
  return text;
}
