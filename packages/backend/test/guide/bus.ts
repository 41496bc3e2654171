import { BasePlugin, type PluginMetadata, PluginPriority } from '@aico/backend/plugin';
import { defineTopic } from '@aico/shared/core/bus';
import { Type } from 'typebox';

/** A topic with a schema: a wrong payload does not compile here, and is refused at the border. */
export const serviceEvent = defineTopic('events.service', Type.Object({ id: Type.String() }));

export class ServicePlugin extends BasePlugin {
  readonly received: unknown[] = [];

  get metadata(): PluginMetadata {
    return {
      name: 'Service Plugin',
      version: '1.0.0',
      description: 'Publishes',
      priority: PluginPriority.NORMAL,
    };
  }

  override async start(): Promise<void> {
    await this.subscribe('logs.*', (topic, message) => this.handleMessage(topic, message));
  }

  async publishEvent(id: string): Promise<void> {
    await this.requireService('message_bus').publish(serviceEvent, { id });
  }

  handleMessage(topic: string, message: unknown): void {
    this.received.push({ topic, message });
  }
}
