import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.ts';
import { table } from '../output.ts';

interface Streams {
  readonly messages: number;
  readonly bytes: number;
  readonly first?: number;
  readonly last?: number;
  readonly topics: readonly { readonly topic: string; readonly messages: number }[];
  readonly consumers: readonly {
    readonly consumer: string;
    readonly pattern: string;
    readonly floor: number;
    readonly lag: number;
    readonly retrying: number;
    readonly dead: number;
  }[];
}

interface DeadLetters {
  readonly deadLetters: readonly {
    readonly consumer: string;
    readonly number: number;
    readonly topic: string;
    readonly attempts: number;
    readonly error: string | null;
    readonly diedAt: string;
  }[];
}

const ROOT = '/api/v1/streams';

/** `aico bus streams` and `aico bus dead-letters [replay]`. */
export function registerStreamCommands(bus: Command, context: CommandContext): void {
  bus
    .command('streams')
    .description('what the durable bus keeps, and how far each consumer is')
    .action(async () => {
      const streams = (await (await context.client()).json(ROOT)) as Streams;
      context.output.print(streams, render);
    });
  const dead = bus
    .command('dead-letters')
    .description('messages that no try could handle')
    .option('-c, --consumer <name>', 'of one consumer')
    .option('-n, --limit <count>', 'at most so many', whole, 100)
    .action(async ({ consumer, limit }: { readonly consumer?: string; readonly limit: number }) => {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(consumer === undefined ? {} : { consumer }),
      });
      const found = (await (await context.client()).json(`${ROOT}/dead-letters?${query}`)) as DeadLetters;
      context.output.print(found, ({ deadLetters }) =>
        deadLetters.length === 0
          ? 'no dead letters'
          : table(
              ['consumer', 'number', 'topic', 'tries', 'died', 'of'],
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
    .description('give dead letters to their consumer again')
    .argument('<consumer>')
    .argument('[number]', 'one of them alone', whole)
    .action(async (consumer: string, number: number | undefined) => {
      const answer = (await (
        await context.client()
      ).json(`${ROOT}/dead-letters/replay`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ consumer, number }),
      })) as { readonly replayed: number };
      context.output.print(answer, ({ replayed }) => `${replayed} given to ${consumer} again`);
    });
}

function render({ messages, bytes, first, last, topics, consumers }: Streams): string {
  return [
    `${messages} messages, ${bytes} bytes${first === undefined ? '' : `, numbers ${first} to ${last}`}`,
    '',
    table(
      ['topic', 'messages'],
      topics.map((each) => [each.topic, each.messages]),
    ),
    '',
    table(
      ['consumer', 'of', 'settled up to', 'behind', 'waiting for another try', 'dead'],
      consumers.map((each) => [each.consumer, each.pattern, each.floor, each.lag, each.retrying, each.dead]),
    ),
  ].join('\n');
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1.');
  return value;
}
