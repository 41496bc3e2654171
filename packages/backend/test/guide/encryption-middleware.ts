import { EncryptionMiddleware } from '@aico/backend';
import type { AICOKeyManager } from '@aico/shared/security';
import fastify from 'fastify';

export function encryptedApp(keyManager: AICOKeyManager): EncryptionMiddleware {
  const app = fastify();
  app.get('/hello', () => ({ hello: 'from inside' }));
  return new EncryptionMiddleware(app, keyManager);
}
