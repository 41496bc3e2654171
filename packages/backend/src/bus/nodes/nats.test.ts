import { describe } from 'node:test';
import { transportSuite } from '@aico/shared/core/bus/transport-suite';
import { NatsServer, withoutNats } from '../../../test/fixtures/nats-server.ts';
import { natsAt, TestNode } from '../../../test/fixtures/nodes.ts';

describe('over NATS', { skip: withoutNats }, () => {
  transportSuite(
    'between two nodes over NATS with TLS',
    async () => {
      const server = await NatsServer.start({ tls: true });
      const first = await TestNode.start(1, natsAt(server));
      const second = await TestNode.start(2, natsAt(server));
      return {
        transport: first.hub,
        subscriberTransport: second.hub,
        close: async () => {
          await first[Symbol.asyncDispose]();
          await second[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        },
      };
    },
    { subscriptions: 10_000 },
  );
});
