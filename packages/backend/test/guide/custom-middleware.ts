import {
  BasePlugin,
  type CallNext,
  GatewayResponse,
  Middleware,
  type PluginMetadata,
  PluginPriority,
} from '@aico/backend/plugin';
import { getLogger } from '@aico/shared/core/logging';
import type { AICOKeyManager } from '@aico/shared/security';
import type { FastifyRequest } from 'fastify';

export class CustomMiddleware extends Middleware {
  readonly keyManager: AICOKeyManager;
  readonly logger = getLogger('guide', 'middleware');

  constructor(keyManager: AICOKeyManager) {
    super();
    this.keyManager = keyManager;
  }

  override async dispatch(request: FastifyRequest, callNext: CallNext): Promise<GatewayResponse> {
    try {
      // Pre-processing
      const response = await callNext(request);
      // Post-processing
      response.headers.set('x-keys', this.keyManager.isUnlocked ? 'open' : 'closed');
      return response;
    } catch (error) {
      this.logger.error('Request processing failed', { error });
      return GatewayResponse.json({ error: 'Internal server error' }, { status: 500 });
    }
  }
}

export class CustomMiddlewarePlugin extends BasePlugin {
  get metadata(): PluginMetadata {
    return {
      name: 'Custom middleware',
      version: '1.0.0',
      description: 'Stands around every route',
      priority: PluginPriority.MIDDLEWARE,
    };
  }

  override async start(): Promise<void> {
    await this.addMiddleware(new CustomMiddleware(this.requireService('key_manager')));
  }
}
