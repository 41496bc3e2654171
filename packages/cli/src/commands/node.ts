import { ask, type ReplyOf } from '@aico/client/ask';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import type { JoinOptions } from '../nodes/join-home.ts';
import { table } from '../terminal/table.ts';

const ALL = '/api/v1/nodes';
type Nodes = ReplyOf<'get', typeof ALL>;

export function register(program: Command, context: CommandContext): void {
  const node = program.command('node').description('the machines that run this home together');
  node
    .command('list')
    .description('the nodes, and which of them run')
    .action(async () => {
      context.output.print(await ask(await context.client(), 'get', ALL, {}), nodeTable);
    });
  node
    .command('invite')
    .description('print an invitation that one other machine can use once, within five minutes')
    .option('--address <address>', 'where that machine reaches this one: host or host:port')
    .action((options: { readonly address?: string }) => invite(context, options));
  node
    .command('join')
    .argument('<invitation>', 'from `aico node invite`; - reads it from the input')
    .description('make this machine a node of that home; needs an empty home here')
    .option('--password-file <file>', 'the password of this machine: the first line of a file')
    .option('--key-file', 'a key file instead of a password: for a machine that starts unattended')
    .option('--name <name>', 'the name of this machine in the list of nodes (default: its host name)')
    .action(async (invitation: string, options: JoinOptions) =>
      // Loaded here: `aico status` shows the table of nodes, and needs neither keys nor channels.
      (await import('../nodes/join-home.ts')).joinHome(context, invitation, options),
    );
  node
    .command('remove')
    .argument('<node>')
    .description('remove a node, which stops within a second')
    .action((id: string) => remove(context, id));
}

/** The nodes as a table, or a sentence where there are none. */
export function nodeTable({ shared, nodes }: Nodes): string {
  if (!shared) return 'This home has an embedded database, so this machine is its only node.';
  return table(
    ['node', 'name', 'state', 'version', 'joined', 'last start or stop'],
    nodes.map(({ id, name, isPresent, isSelf, version, joinedAt, lastSeenAt }) => [
      id,
      isSelf ? `${name} (this one)` : name,
      isPresent ? 'running' : 'absent',
      version || '-',
      joinedAt,
      lastSeenAt ?? 'never',
    ]),
  );
}

async function invite(context: CommandContext, { address }: { readonly address?: string }): Promise<void> {
  const client = await context.client();
  const [made, { addresses }] = await Promise.all([
    ask(client, 'post', '/api/v1/nodes/invitations', {}),
    ask(client, 'get', '/api/v1/system/status', {}),
  ]);
  const reached = address ?? new URL(addresses.http ?? 'http://127.0.0.1:8771').host;
  const invitation = `${made.code}@${reached}`;
  context.output.print({ invitation, fingerprint: made.fingerprint, expiresAt: made.expiresAt }, () =>
    [
      `Invitation   ${invitation}`,
      `Valid until  ${made.expiresAt}, for one node`,
      `This home    ${made.fingerprint}`,
      '',
      `There: aico node join ${invitation}`,
    ].join('\n'),
  );
  context.output.note(
    'It hands over the root key of this home and the password of its database: use it on a machine that you trust as much as this one.',
  );
  if (address === undefined && /^(?:127\.|localhost|\[::1\])/.test(reached))
    context.output.note(
      'The address is one of this machine alone. Let the backend listen on the network (core.api_gateway.rest.host) and give --address.',
    );
}

async function remove(context: CommandContext, id: string): Promise<void> {
  await ask(await context.client(), 'delete', `${ALL}/{id}`, { path: { id } });
  context.output.print(
    { removed: id },
    () => 'Removed: its backend stops within a second and starts no more.',
  );
  context.output.note(
    'What it had cannot be taken back: the root key of the home and the passwords of the database and of NATS. If you no longer trust that machine, change these passwords; data that it could read until now stays readable with its copy of the root key.',
  );
}
