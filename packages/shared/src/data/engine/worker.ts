/** The entry point of an engine thread, which replies to each message in turn. */
import { parentPort } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { ToEngine } from './wire.ts';

const port = parentPort;
if (port === null) throw new Error('this file is started as a worker thread');
let engine: Engine | undefined;
port.on('message', (message: ToEngine) => {
  if (message.kind === 'serve') {
    engine = new Engine(message.data, message.effects, message.progress);
    return;
  }
  if (engine === undefined) throw new Error('the first message names the database');
  port.postMessage(engine.handle(message));
  const trouble = engine.afterAnswer();
  if (trouble !== undefined) port.postMessage(trouble);
  if (message.kind === 'operation' && message.operation.name === 'close') port.close();
});
