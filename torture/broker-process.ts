/** A broker in a separate process, which reports its memory on request. */
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { Broker } from '../packages/backend/src/bus/broker/broker.ts';
import type { ComponentGrant } from '../packages/backend/src/bus/broker/broker-options.ts';
import { HubSide } from '../packages/backend/src/bus/broker/hub-side.ts';

/** The first message of the campaign. */
export interface BrokerSetup {
  readonly keys: { readonly publicKey: string; readonly secretKey: string };
  readonly grants: readonly ComponentGrant[];
}

let broker: Broker | undefined;

process.on('message', async (message: BrokerSetup | 'memory') => {
  if (message !== 'memory') {
    const hub = new InProcessBus();
    const plugin = new MessageBusClient({ source: 'plugin', transport: hub, onError: () => {} });
    await plugin.connect();
    // Walks the data recursively, as a plugin might.
    await plugin.subscribe('mallory.>', (_topic, data) => void JSON.stringify(structuredClone(data)));
    broker = new Broker({
      ...message,
      grants: () => message.grants,
      endpoints: ['tcp://127.0.0.1:*'],
      local: new HubSide({ hub, messageBytes: 1_048_576, onError: () => {} }),
    });
    await broker.start();
    process.send?.({ endpoint: broker.endpoints[0] });
    return;
  }
  // Garbage that has not been collected does not count as growth.
  global.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ rss, heapUsed, external, ...broker?.stats });
});
