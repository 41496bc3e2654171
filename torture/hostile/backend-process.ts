/** The backend that R19 attacks, in a separate process, so that the campaign notices its end. */
import { createTestBackend } from '@aico/backend/testing';

const backend = await createTestBackend({
  config: { 'core.channel.handshake_burst': 1_000_000, 'core.channel.handshakes_per_minute': 1_000_000 },
});
backend.lifecycle.handleProcess(process);
void backend.lifecycle.ended.then(() => backend.stop());
process.on('message', () => {
  globalThis.gc?.();
  process.send?.({ rss: process.memoryUsage.rss() });
});
process.once('disconnect', () => void backend.stop().then(() => process.exit()));
process.send?.({ socket: backend.socket, http: backend.http });
