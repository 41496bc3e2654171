import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { BasePlugin, type PluginMetadata, PluginPriority } from '../../core/plugin-base.ts';
import { CapabilityMissingError } from '../../gateway/index.ts';
import { serveEvents } from './event-stream.ts';
import { accessFor, LiveSubscriptions } from './live-subscriptions.ts';

const Query = Type.Object({ topic: Type.String({ minLength: 1, maxLength: 255 }) });

/**
 * `/api/v1/events?topic=inbox.*`: follows topics of the bus as server-sent events. A reader who comes back with
 * `Last-Event-ID` within a minute goes on where it was. Depends on `'message_bus'` and `'gateway'`.
 */
export class EventsPlugin extends BasePlugin {
  #live: LiveSubscriptions | undefined;

  get metadata(): PluginMetadata {
    return {
      name: 'Events',
      version: '1.0.0',
      description: 'Follows topics of the bus from outside',
      priority: PluginPriority.MIDDLEWARE,
    };
  }

  override async start(): Promise<void> {
    const live = new LiveSubscriptions(this.requireService('message_bus'));
    this.#live = live;
    const unmount = await this.requireService('gateway').mount('events', (app) => this.#declare(app, live));
    this.onStop(async () => {
      // A stream ends only when told to, and the gateway waits for requests in flight.
      await live.endAll();
      await unmount();
    });
  }

  override healthCheck(): HealthCheckResult {
    return { status: 'healthy', data: { subscriptions: this.#live?.size ?? 0 } };
  }

  #declare(app: GatewayApp, live: LiveSubscriptions): void {
    // What it needs depends on the pattern, and is looked at when that is known.
    const config = { access: 'public', endless: true } as const;
    app.get('/', { config, schema: { querystring: Query } }, async (request, reply) => {
      const { topic } = request.query;
      const { principal } = request;
      const access = accessFor(topic);
      if (!principal.may(access)) throw new CapabilityMissingError(access);
      const { id, number } = lastEventId(request.headers['last-event-id']);
      const found = live.find(id, topic, principal);
      const subscription = found ?? (await live.open(topic, access, principal));
      const after = found === undefined ? 0 : Math.min(number, found.log.last);
      reply.hijack();
      const detach = live.attach(subscription);
      try {
        await serveEvents(reply.raw, subscription, after, found !== undefined);
      } finally {
        detach();
      }
    });
  }
}

function lastEventId(header: string | string[] | undefined): {
  readonly id: string;
  readonly number: number;
} {
  const [, id = '', digits = ''] = /^([0-9a-f-]{36}):(\d{1,15})$/.exec(String(header)) ?? [];
  return { id, number: Number(digits) };
}
