import { ask, type ReplyOf } from '@aico/client/ask';
import { counted } from '@aico/protocol';
import type { Command } from 'commander';
import { wholeNumber } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { table } from '../terminal/table.ts';

/** `aico bus streams`, `aico bus consumers [forget]` and `aico bus dead-letters [replay|drop]`. */
export function registerStreamCommands(bus: Command, context: CommandContext): void {
  bus
    .command('streams')
    .description('the stored durable messages, and the progress of each consumer')
    .action(async () => {
      const streams = await ask(await context.client(), 'get', '/api/v1/streams', {});
      context.output.print(streams, render);
    });
  const dead = bus
    .command('dead-letters')
    .description('messages whose every attempt failed')
    .option('-c, --consumer <name>', 'only those of this consumer')
    .option('-n, --limit <count>', 'the most to print', wholeNumber(1), 100)
    .action(async ({ consumer, limit }: { readonly consumer?: string; readonly limit: number }) => {
      const query = { limit, ...(consumer === undefined ? {} : { consumer }) };
      const found = await ask(await context.client(), 'get', '/api/v1/streams/dead-letters', { query });
      context.output.print(found, ({ deadLetters }) =>
        deadLetters.length === 0
          ? 'no dead letters'
          : table(
              ['consumer', 'number', 'topic', 'attempts', 'died', 'error'],
              deadLetters.map((each) => [
                each.consumer,
                each.number,
                each.topic,
                each.attempts,
                each.diedAt,
                each.error ?? '',
              ]),
            ),
      );
    });
  dead
    .command('replay')
    .description('redeliver dead letters to their consumer')
    .argument('<consumer>')
    .argument('[number]', 'only the message of this number', wholeNumber(1))
    .action(async (consumer: string, number: number | undefined) => {
      const body = { consumer, ...(number === undefined ? {} : { number }) };
      const answer = await ask(await context.client(), 'post', '/api/v1/streams/dead-letters/replay', {
        body,
      });
      context.output.print(
        answer,
        ({ replayed }) => `${counted(replayed, 'dead letter')} delivered to ${consumer} again`,
      );
    });
  dead
    .command('drop')
    .description('delete dead letters')
    .argument('<consumer>')
    .argument('[number]', 'only the message of this number', wholeNumber(1))
    .action(async (consumer: string, number: number | undefined) => {
      const body = { consumer, ...(number === undefined ? {} : { number }) };
      const answer = await ask(await context.client(), 'post', '/api/v1/streams/dead-letters/drop', { body });
      context.output.print(
        answer,
        ({ dropped }) => `${counted(dropped, 'dead letter')} of ${consumer} deleted`,
      );
    });
  const consumers = bus
    .command('consumers')
    .description('the consumers of durable messages, and whether messages are kept for them')
    .action(async () => {
      const streams = await ask(await context.client(), 'get', '/api/v1/streams', {});
      context.output.print(streams.consumers, renderConsumers);
    });
  consumers
    .command('forget')
    .description('forget a consumer that does not run, so that no messages are kept for it')
    .argument('<consumer>')
    .action(async (consumer: string) => {
      const body = { consumer };
      const answer = await ask(await context.client(), 'post', '/api/v1/streams/consumers/forget', { body });
      context.output.print(answer, ({ forgotten }) => `${forgotten} is forgotten`);
    });
}

function renderConsumers(consumers: ReplyOf<'get', '/api/v1/streams'>['consumers']): string {
  return table(
    ['consumer', 'of', 'runs', 'last seen', 'behind', 'messages are kept for it'],
    consumers.map(({ consumer, pattern, running, seenAt, lag, holds }) => [
      consumer,
      pattern,
      running ? 'yes' : 'no',
      running ? 'now' : seenAt,
      lag,
      holds ? 'yes' : 'no',
    ]),
  );
}

function render({
  messages,
  bytes,
  first,
  last,
  topics,
  consumers,
}: ReplyOf<'get', '/api/v1/streams'>): string {
  return [
    `${counted(messages, 'message')}, ${counted(bytes, 'byte')}${first === undefined ? '' : `, numbers ${first} to ${last}`}`,
    '',
    table(
      ['topic', 'messages'],
      topics.map((each) => [each.topic, each.messages]),
    ),
    '',
    table(
      ['consumer', 'of', 'settled up to', 'behind', 'waiting for another attempt', 'dead'],
      consumers.map((each) => [each.consumer, each.pattern, each.floor, each.lag, each.retrying, each.dead]),
    ),
  ].join('\n');
}
