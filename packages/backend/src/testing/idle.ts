import type { DurableStreams } from '@aico/shared/data/streams';
import { NotIdleError } from './errors.ts';
import type { TestBus } from './test-bus.ts';

const PATIENCE_MS = 10_000;

/**
 * Resolves when every published message has been handled, including messages that handlers published meanwhile.
 *
 * @throws {NotIdleError} after 10 seconds
 */
export async function whenIdle(bus: TestBus, streams: DurableStreams): Promise<void> {
  const busy = new Set<string>();
  const watch = async (name: string, work: Promise<void> | undefined): Promise<void> => {
    busy.add(name);
    await work;
    busy.delete(name);
  };
  const settled = async (): Promise<void> => {
    for (let seen = -1; seen !== bus.published; ) {
      seen = bus.published;
      await Promise.all([
        ...bus.open.map(({ pattern, receiver }) => watch(`subscription "${pattern}"`, receiver.whenIdle?.())),
        watch(`one of the consumers ${streams.running.join(', ')}`, streams.whenIdle()),
      ]);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new NotIdleError([...busy], PATIENCE_MS)), PATIENCE_MS);
  try {
    await Promise.race([settled(), late]);
  } finally {
    clearTimeout(timer);
  }
}
