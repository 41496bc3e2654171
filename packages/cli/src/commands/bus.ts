import { ask, type BusMessage, parseBusMessage, type ReplyOf } from '@aico/client/ask';
import { ensureOk, serverSentEvents } from '@aico/client/local';
import type { Command } from 'commander';
import { collected, jsonOrText, secondsUpTo, wholeNumber } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { onOneLine } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { type GrantOptions, grant } from './bus-grant.ts';
import { registerStreamCommands } from './bus-streams.ts';

export function register(program: Command, context: CommandContext): void {
  const bus = program
    .command('bus')
    .description('the message bus: who may take part, who does, and a hand on it');
  registerStreamCommands(bus, context);
  bus
    .command('grant')
    .description(
      'let another process take part, under a name and with rights of its own; writes its credential',
    )
    .argument('<name>', 'the component')
    .option('--publish <pattern>', 'what it may publish; repeatable', collected, [])
    .option('--subscribe <pattern>', 'what it may hear; repeatable', collected, [])
    .option('--out <file>', 'where to write the credential (NAME.bus.json)')
    .option('--renew', 'a new key for one that has access; its rights stay unless some are named')
    .action((name: string, options: GrantOptions) => grant(context, name, options));
  bus
    .command('revoke')
    .description('end the access of a component, at once')
    .argument('<name>', 'the component')
    .action(async (name: string) => {
      const path = { component: name };
      const answer = await ask(await context.client(), 'delete', '/api/v1/bus/grants/{component}', { path });
      context.output.print(answer, () => `"${name}" has no access any more.`);
    });
  bus
    .command('list')
    .description('the components that have access, and what they may do')
    .action(async () => {
      const { grants } = await ask(await context.client(), 'get', '/api/v1/bus/grants', {});
      context.output.print({ grants }, () => renderGrants(grants));
    });
  bus
    .command('clients')
    .description('who is connected now, with what is queued and dropped')
    .action(async () => {
      const { clients } = await ask(await context.client(), 'get', '/api/v1/bus/clients', {});
      context.output.print({ clients }, () => renderClients(clients));
    });
  bus
    .command('stats')
    .description('where the broker listens, and what it has let in and refused')
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
    .argument('<message>', 'JSON where it is JSON, else text')
    .action(async (topic: string, message: string) => {
      const body = { topic, message: jsonOrText(message) };
      const answer = await ask(await context.client(), 'post', '/api/v1/bus/messages', { body });
      context.output.print(answer, () => `Published on ${topic}.`);
    });
  bus
    .command('request')
    .description('publish a message that somebody is to answer, and print the answer')
    .argument('<topic>')
    .argument('<message>', 'JSON where it is JSON, else text')
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
    .description('print what is published, until it is interrupted')
    .argument('<pattern>', 'such as notes.created, logs.* or notes.>')
    .option('-n, --count <messages>', 'end after so many', wholeNumber(1))
    .action((pattern: string, options: { readonly count?: number }) =>
      follow(context, pattern, options.count),
    );
}

async function follow(context: CommandContext, pattern: string, most: number | undefined): Promise<void> {
  const client = await context.client();
  const stream = await client.fetch(`/api/v1/bus/messages?${new URLSearchParams({ pattern })}`);
  await ensureOk(stream);
  context.output.note(`Following ${pattern}.`);
  let shown = 0;
  for await (const { event = 'message', data } of serverSentEvents(stream)) {
    if (event !== 'message') {
      context.output.note(`(${data})`);
      continue;
    }
    context.output.print(parseBusMessage(data), renderMessage);
    shown += 1;
    if (shown === most) return;
  }
}

function renderMessage({ time, type, source, data = null, data_base64: bytes }: BusMessage): string {
  const shown = bytes === undefined ? JSON.stringify(data) : `bytes, as Base64 ${bytes}`;
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
  if (clients.length === 0) return 'Nobody is connected.';
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
      ? 'The broker does not listen: nobody has access.'
      : `listens on ${endpoints.join(' and ')}`,
    `${sessions} clients; ${connections.admitted} connections let in, ${connections.refused} refused`,
    `${malformed} malformed frames; ${untravelled} messages of plugins that could not travel`,
  ].join('\n');
}
