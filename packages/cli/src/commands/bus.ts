import type { BusEvent } from '@aico/client';
import { ask, type ReplyOf } from '@aico/client/ask';
import type { Command } from 'commander';
import { collected, jsonOrText, secondsUpTo, wholeNumber } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { gapText } from '../terminal/output.ts';
import { onOneLine } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { type GrantOptions, grant } from './bus-grant.ts';
import { registerStreamCommands } from './bus-streams.ts';

export function register(program: Command, context: CommandContext): void {
  const bus = program.command('bus').description('use the message bus and grant access to it');
  registerStreamCommands(bus, context);
  bus
    .command('grant')
    .description('grant another process access, under its own name and rights, and write its credential')
    .argument('<name>', 'the component')
    .option('--publish <pattern>', 'a topic or pattern that it may publish; repeatable', collected, [])
    .option('--subscribe <pattern>', 'a topic or pattern that it may subscribe to; repeatable', collected, [])
    .option('--out <file>', 'the file for the credential (default: NAME.bus.json)')
    .option(
      '--renew',
      'make a new key for a component that has access; its rights stay unless some are named',
    )
    .action((name: string, options: GrantOptions) => grant(context, name, options));
  bus
    .command('revoke')
    .description('end the access of a component at once')
    .argument('<name>', 'the component')
    .action(async (name: string) => {
      const path = { component: name };
      const answer = await ask(await context.client(), 'delete', '/api/v1/bus/grants/{component}', { path });
      context.output.print(answer, () => `"${name}" no longer has access.`);
    });
  bus
    .command('list')
    .description('the components that have access, and their rights')
    .action(async () => {
      const { grants } = await ask(await context.client(), 'get', '/api/v1/bus/grants', {});
      context.output.print({ grants }, () => renderGrants(grants));
    });
  bus
    .command('clients')
    .description('the connected components, with their queued and dropped messages')
    .action(async () => {
      const { clients } = await ask(await context.client(), 'get', '/api/v1/bus/clients', {});
      context.output.print({ clients }, () => renderClients(clients));
    });
  bus
    .command('stats')
    .description('the addresses of the broker, and the connections it has admitted and refused')
    .action(async () => {
      const stats = await ask(await context.client(), 'get', '/api/v1/bus/stats', {});
      context.output.print(stats, renderStats);
    });
  registerMessages(bus, context);
}

function registerMessages(bus: Command, context: CommandContext): void {
  bus
    .command('publish')
    .description('publish one message')
    .argument('<topic>')
    .argument('<message>', 'JSON; any other text is sent as text')
    .action(async (topic: string, message: string) => {
      const body = { topic, message: jsonOrText(message) };
      const answer = await ask(await context.client(), 'post', '/api/v1/bus/messages', { body });
      context.output.print(answer, () => `Published on ${topic}.`);
    });
  bus
    .command('request')
    .description('publish a request and print its answer')
    .argument('<topic>')
    .argument('<message>', 'JSON; any other text is sent as text')
    .option('-t, --timeout <seconds>', 'how long to wait', secondsUpTo(600), 5)
    .action(async (topic: string, message: string, { timeout }: { timeout: number }) => {
      const body = { topic, message: jsonOrText(message), timeout_ms: timeout * 1_000 };
      const reply = await ask(await context.client(), 'post', '/api/v1/bus/requests', { body });
      const { answer = null, answer_base64: bytes } = reply;
      context.output.print(bytes ?? answer, (value) =>
        bytes === undefined ? JSON.stringify(value) : `bytes, as Base64 ${bytes}`,
      );
    });
  bus
    .command('subscribe')
    .description('print messages as they are published, until interrupted')
    .argument('<pattern>', 'such as notes.created, logs.* or notes.>')
    .option('-n, --count <messages>', 'the number of messages to print before it ends', wholeNumber(1))
    .action((pattern: string, options: { readonly count?: number }) =>
      follow(context, pattern, options.count),
    );
}

async function follow(context: CommandContext, pattern: string, most: number | undefined): Promise<void> {
  const client = await context.client();
  const events = client.subscribe(pattern, {
    reconnect: false,
    onOpen: () => context.output.note(`Following ${pattern}.`),
    onGap: (lost) => context.output.note(gapText(lost)),
  });
  let shown = 0;
  for await (const event of events) {
    context.output.print(messageOf(event), renderMessage);
    shown += 1;
    if (shown === most) return;
  }
}

/** A message in the JSON form, with the names of CloudEvents. */
function messageOf({ topic, data, ...attributes }: BusEvent) {
  const envelope = { ...attributes, type: topic };
  if (data instanceof Uint8Array) return { ...envelope, data_base64: Buffer.from(data).toString('base64') };
  return { ...envelope, data };
}

function renderMessage(message: ReturnType<typeof messageOf>): string {
  const { time, type, source } = message;
  const shown =
    'data_base64' in message
      ? `bytes, as Base64 ${message.data_base64}`
      : JSON.stringify(message.data ?? null);
  return onOneLine(`${time} ${type} from ${source}: ${shown}`);
}

function renderGrants(grants: ReplyOf<'get', '/api/v1/bus/grants'>['grants']): string {
  if (grants.length === 0) return 'No other process has access. Grant it by `aico bus grant`.';
  return table(
    ['component', 'may publish', 'may hear', 'key since'],
    grants.map(({ component, publish, subscribe, keyCreatedAt }) => [
      component,
      publish.join(' '),
      subscribe.join(' '),
      keyCreatedAt,
    ]),
  );
}

function renderClients(clients: ReplyOf<'get', '/api/v1/bus/clients'>['clients']): string {
  if (clients.length === 0) return 'No component is connected.';
  return table(
    ['component', 'since', 'published', 'delivered', 'refused', 'subscriptions', 'queued', 'dropped'],
    clients.map(({ component, since, published, delivered, refused, subscriptions }) => [
      component,
      since,
      published,
      delivered,
      refused,
      subscriptions.map(({ pattern }) => pattern).join(' '),
      subscriptions.reduce((sum, { queued }) => sum + queued, 0),
      subscriptions.reduce((sum, { dropped }) => sum + dropped, 0),
    ]),
  );
}

function renderStats({
  endpoints,
  connections,
  malformed,
  sessions,
  untravelled,
}: ReplyOf<'get', '/api/v1/bus/stats'>): string {
  return [
    endpoints.length === 0
      ? 'The broker does not listen, since no component has access.'
      : `listens on ${endpoints.join(' and ')}`,
    `${sessions} clients; ${connections.admitted} connections let in, ${connections.refused} refused`,
    `${malformed} malformed frames; ${untravelled} messages of plugins that could not travel`,
  ].join('\n');
}
