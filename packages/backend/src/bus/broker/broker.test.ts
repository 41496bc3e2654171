import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Transport } from '@aico/shared/core/bus';
import { transportSuite } from '@aico/shared/core/bus/transport-suite';
import { type BusCredential, curveKeyPair, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { Broker } from './broker.ts';

for (const kind of ['tcp', 'ipc'] as const)
  transportSuite(
    `zeromq over ${kind}`,
    async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'aico-bus-'));
      const keys = curveKeyPair();
      const components = ['publisher', 'subscriber', 'third'].map((component) => ({
        component,
        ...curveKeyPair(),
        publish: ['>'],
        subscribe: ['>'],
      }));
      const endpoint = kind === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://${path.join(folder, 'bus.sock')}`;
      const broker = new Broker({ keys, endpoints: [endpoint], grants: () => components });
      await broker.start();
      const transports = new Map<string, ZeroMqTransport>();
      for (const { component, publicKey, secretKey, publish, subscribe } of components) {
        const credential: BusCredential = {
          format: 'aico-bus-credential',
          version: 1,
          component,
          endpoints: [...broker.endpoints],
          broker: keys.publicKey,
          public_key: publicKey,
          secret_key: secretKey,
          publish,
          subscribe,
        };
        transports.set(component, new ZeroMqTransport({ credential }));
      }
      const first = [...transports.values()][0];
      if (first === undefined) throw new TypeError('there is no transport');
      const transport: Transport = {
        name: 'zeromq',
        dispatcher: first.dispatcher,
        connect: (source) => (transports.get(source) ?? first).connect(source),
      };
      return {
        transport,
        close: async () => {
          await broker.stop();
          await rm(folder, { recursive: true });
        },
      };
    },
    { subscriptions: 1_000 },
  );
