import type { Readable } from 'node:stream';
import { MessageBusClient } from '@aico/shared/core/bus';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Principal } from '../../core/access.ts';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { BasePlugin, PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin } from '../../core/plugin/plugin-definition.ts';
import { eventStream } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';
import { CapabilityMissingError } from '../../gateway/index.ts';
import { serveEvents } from './event-stream.ts';
import { accessFor, type Followed, LiveSubscriptions, mayFollow } from './live-subscriptions.ts';
import { TopicSocket } from './topic-socket.ts';

const Query = requestOf({ topic: Type.String({ minLength: 1, maxLength: 255 }) });

const EVENTS = eventStream(
  '`open`: the subscription; `message`: what was published; `gap`: how many were lost. See docs/events.md.',
);

/**
 * `/api/v1/events?topic=inbox.>`: follows topics of the bus as server-sent events. A reader who reconnects with `Last-Event-ID`
 * within a minute resumes there. `/api/v1/events/ws`: subscribes to any number of topics and publishes, over one WebSocket.
 */
export class EventsPlugin extends BasePlugin {
  #live: LiveSubscriptions | undefined;
  #sockets = 0;

  override async start(): Promise<void> {
    const live = new LiveSubscriptions(this.requireService('message_bus'));
    this.#live = live;
    this.onStop(() => live.endAll());
    await this.addRoutes((app) => this.#declare(app, live), { place: 'events' });
  }

  override healthCheck(): HealthCheckResult {
    return { status: 'healthy', data: { subscriptions: this.#live?.size ?? 0, sockets: this.#sockets } };
  }

  /**
   * Answers a request with the messages of a topic as server-sent events, for routes of other plugins that show a selection of
   * the bus.
   */
  follow(followed: Followed, request: FastifyRequest, reply: FastifyReply): Promise<Readable> {
    if (this.#live === undefined) throw new TypeError('the events plugin has not started');
    return serveEvents(this.#live, followed, request, reply);
  }

  #declare(app: GatewayApp, live: LiveSubscriptions): void {
    app.get('/ws', { config: { access: 'public', webSocket: true } }, async (request, reply) => {
      const { principal } = request;
      const webSocket = await request.acceptWebSocket(reply);
      // The source of its messages is the device.
      const bus = this.requireService('message_bus');
      const own = bus instanceof MessageBusClient ? bus.as(nameOf(principal)) : undefined;
      const { logger } = this;
      const { closed } = new TopicSocket({ webSocket, live, bus: own ?? bus, principal, logger });
      this.#sockets += 1;
      await closed;
      this.#sockets -= 1;
      await own?.close();
    });
    // The capability depends on the pattern, so it is checked once that is known.
    const config = { access: 'public', endless: true } as const;
    app.get('/', { config, schema: { querystring: Query, response: EVENTS } }, (request, reply) => {
      const { topic } = request.query;
      const { principal } = request;
      const isPermitted = (): boolean => mayFollow(principal, topic);
      if (!isPermitted()) throw new CapabilityMissingError(accessFor(topic));
      return serveEvents(live, { topic, principal, isPermitted }, request, reply);
    });
  }
}

export const eventsPlugin = definePlugin({
  name: 'events',
  version: '1.0.0',
  description: 'Follows topics of the bus from outside',
  dependencies: ['message_bus', 'gateway'],
  priority: PluginPriority.MIDDLEWARE,
  create: (name, container) => new EventsPlugin(name, container),
});

function nameOf({ kind, id }: Principal): string {
  return kind === 'device' ? `device-${id}` : kind;
}
