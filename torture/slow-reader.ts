/**
 * The part of R15 that uses the sealed channel: a client that follows a topic and reads, beside clients that follow it and never
 * read.
 */
import { createTestBackend, localRequest } from '@aico/backend/testing';
import { type Client, connect, pair } from '@aico/client';

/** Clients that never read. */
const MUTE = 4;
const BURST = 50;
const MEMORY_LIMIT = 24 * 1_048_576;

interface SlowReaderOutcome {
  /** Milliseconds from publish to the loop of the client that reads. */
  readonly worst: number;
  readonly p99: number;
  readonly grown: number;
  readonly faults: readonly string[];
}

/** Publishes `count` messages. Afterwards the slow clients read, and must have received or counted as lost every message. */
export async function slowReaders(
  count: number,
  isBeset: boolean,
  collect: () => void,
): Promise<SlowReaderOutcome> {
  const backend = await createTestBackend();
  const clients: Client[] = [];
  try {
    const open = async (): Promise<Client> => {
      const reply = await localRequest(backend.socket, '/api/v1/devices/pairings', {
        method: 'POST',
        body: {},
      });
      const { code } = reply.json() as { readonly code: string };
      const credentials = await pair({ address: backend.http, code, name: `reader ${clients.length}` });
      const client = await connect({ address: backend.http, credentials });
      clients.push(client);
      return client;
    };
    const bus = backend.container.getService('message_bus');
    const good = await open();
    const mute: Response[] = [];
    if (isBeset)
      for (let index = 0; index < MUTE; index += 1)
        mute.push(await (await open()).fetch('/api/v1/events?topic=load.*'));

    const opened = Promise.withResolvers<void>();
    const delays: number[] = [];
    let waiting: { readonly total: number; readonly resolve: () => void } | undefined;
    const reading = (async () => {
      for await (const { data } of good.subscribe('load.*', { onOpen: opened.resolve })) {
        delays.push(performance.now() - (data as { readonly at: number }).at);
        if (delays.length === waiting?.total) waiting.resolve();
        if (delays.length === count) return;
      }
    })();
    await opened.promise;
    const text = 'x'.repeat(200);
    let sent = 0;
    const send = async (until: number): Promise<void> => {
      while (sent < until) {
        const burst = Math.min(BURST, until - sent);
        sent += burst;
        const arrived = new Promise<void>((resolve) => {
          waiting = { total: sent, resolve };
        });
        for (let n = 0; n < burst; n += 1) await bus.publish('load.x', { at: performance.now(), text });
        await arrived;
      }
    };
    // The queue of the client that does not read is full before memory is measured.
    await send(Math.floor(count / 2));
    collect();
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
    await send(count);
    await reading;
    collect();
    const grown = process.memoryUsage().heapUsed + process.memoryUsage().external - before;
    const faults: string[] = [];
    for (const response of mute) {
      const accounted = await account(response, count);
      if (accounted !== count)
        faults.push(`a slow client received or counted as lost ${accounted} of ${count}`);
    }
    if (grown > MEMORY_LIMIT) faults.push(`memory has grown by ${grown} bytes`);
    const sorted = delays.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { worst: at(1), p99: at(0.99), grown, faults };
  } finally {
    for (const client of clients) await client.close();
    await backend.stop();
  }
}

/** Reads an event stream until messages and reported losses add up to `count`. */
async function account(response: Response, count: number): Promise<number> {
  let text = '';
  let accounted = 0;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (event.startsWith('event: message')) accounted += 1;
      else if (event.startsWith('event: gap'))
        accounted += Number(/"lost":(\d+)/.exec(event)?.[1] ?? Number.NaN);
    }
    if (!(accounted < count)) break;
  }
  return accounted;
}
