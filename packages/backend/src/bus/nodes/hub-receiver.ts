import type { Batch, InProcessBus, Receiver } from '@aico/shared/core/bus';
import { FrameBatch } from '@aico/shared/core/bus/frames';
import { isLane } from './outgoing-lanes.ts';

/** Messages that are delivered before handlers run: half of what the smallest usual queue holds. */
const SLICE = 512;

/**
 * Delivers messages of other nodes to all subscriptions of this node that do not make publishers wait, in slices between which
 * handlers run. Thus a burst of another node overfills no queue that a burst of this node would not overfill.
 */
export class HubReceiver implements Receiver {
  readonly waits = true;
  readonly batch = SLICE;
  readonly #hub: InProcessBus;

  constructor(hub: InProcessBus) {
    this.#hub = hub;
  }

  receive(batch: Batch): Promise<void> {
    const { dispatcher } = this.#hub;
    let isShared = false;
    try {
      this.#hub.deliver(
        batch.header.topic,
        (receiver) => !receiver.waits && !isLane(receiver),
        () => {
          const own = isShared && batch instanceof FrameBatch ? batch.twin() : batch;
          isShared = true;
          return own;
        },
      );
    } catch (error) {
      dispatcher.report(error);
    }
    // Handlers run before the promise settles, also when there is room for more.
    return dispatcher.relief ?? Promise.resolve();
  }
}
