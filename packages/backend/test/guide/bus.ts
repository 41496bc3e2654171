import { BasePlugin, defineTopic, type PluginMetadata, PluginPriority, Type } from '@aico/backend/plugin';
import { MessageBusClient } from '@aico/shared/core/bus';

/** A topic with a schema: a wrong payload does not compile here, and is refused where it is published or received. */
export const serviceEvent = defineTopic('events.service', Type.Object({ id: Type.String() }));

export class ServicePlugin extends BasePlugin {
  readonly received: unknown[] = [];
  readonly busClient = new MessageBusClient();

  get metadata(): PluginMetadata {
    return {
      name: 'Service Plugin',
      version: '1.0.0',
      description: 'Publishes',
      priority: PluginPriority.NORMAL,
    };
  }

  override async start(): Promise<void> {
    // Within a backend it reaches the backend's bus.
    await this.busClient.connect();
    this.onStop(() => this.busClient.close());
    await this.busClient.subscribe('logs.*', (topic, message) => this.handleMessage(topic, message));
  }

  async publishEvent(eventData: unknown): Promise<void> {
    await this.busClient.publish('events.service', eventData);
  }

  /** The same over the service, whose messages name this plugin as their source. */
  async publishTyped(id: string): Promise<void> {
    await this.requireService('message_bus').publish(serviceEvent, { id });
  }

  handleMessage(topic: string, message: unknown): void {
    this.received.push({ topic, message });
  }
}
