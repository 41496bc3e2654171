// The command line as the child of an older Node: see pinned-node.js, which passes signals on by message.
import { keepCompiledCode } from './compile-cache.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Signals that a command has handled at some time. */
const handled = new Set();

process.on('SIGUSR1', () => {});
process.on('newListener', (event) => {
  if (SIGNALS.includes(event)) handled.add(event);
});
process.on('message', ({ signal }) => {
  if (process.listenerCount(signal) > 0) process.emit(signal, signal);
  // A command that listened and does so no more has had the signal itself, and is about to end.
  else if (!handled.has(signal)) process.kill(process.pid, signal);
});
// The process that was started by name has gone, so this one has no reason to stay.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

keepCompiledCode();
await import('../main.ts');
