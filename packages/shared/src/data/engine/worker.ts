/** The entry point of an engine thread, which replies to each message in turn. */
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { ThreadData, ToEngine } from './wire.ts';

const port = parentPort;
if (port === null) throw new Error('this file is started as a worker thread');
const data = workerData as ThreadData;
const engine = new Engine(data, data.effects, data.progress);
port.on('message', (message: ToEngine) => {
  port.postMessage(engine.handle(message));
  const trouble = engine.afterAnswer();
  if (trouble !== undefined) port.postMessage(trouble);
  if (message.kind === 'operation' && message.operation.name === 'close') port.close();
});
