/** The command line against a backend of another version, whose replies and events have other shapes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createTestHome } from '@aico/backend/testing';
import { AICOPaths } from '@aico/shared/core/paths';
import { commandPath, createProgram } from '../src/program.ts';
import { runCommand } from '../src/run-command.ts';

/** Every command that prints a reply of the backend. */
const COMMANDS = [
  'status',
  'health',
  'config list --live',
  'plugin list',
  'logs tail',
  'logs tail --follow',
  'logs stat',
  'logs rm --until 30d --yes',
  'db status',
  'db stats',
  'db vacuum',
  'db check',
  'db query SELECT',
  'device list',
  'device pair --no-qr',
  'device rename a b',
  'device roles a owner',
  'bus list',
  'bus clients',
  'bus stats',
  'bus publish a.b 1',
  'bus request a.b 1',
  'bus grant a --publish a.> --out OUT',
  'bus revoke a',
  'bus streams',
  'bus dead-letters',
  'bus dead-letters replay a',
  'bus dead-letters drop a',
  'bus consumers',
  'bus consumers forget a',
  'security lock',
];

const REFUSED = { code: 'AICO_CLIENT_REPLY_SHAPE' };

/** Serves `answer` on the socket of a temporary home; returns a function that runs a command there. */
async function other(t: TestContext, answer: RequestListener): Promise<(command: string) => Promise<void>> {
  const home = await createTestHome();
  t.after(() => home.remove());
  const { socketFile } = new AICOPaths({ home: home.folder });
  await mkdir(path.dirname(socketFile), { recursive: true });
  const server = createServer(answer).listen(socketFile);
  await once(server, 'listening');
  t.after(() => server.close());
  return (command) => {
    const out = path.join(home.folder, 'out');
    const words = command.split(' ').map((word) => (word === 'OUT' ? out : word));
    const all = [...words, '--home', home.folder, '--json'];
    return runCommand(createProgram(), all, commandPath(all));
  };
}

for (const body of ['[]', 'null', '"no"', '', '{"report":{"services":7},"devices":{},"logs":[null]}']) {
  test(`every command refuses a reply that is ${body === '' ? 'empty' : body}, with a code`, async (t) => {
    const run = await other(t, (_request, response) => {
      response.setHeader('content-type', 'application/json').end(body);
    });
    for (const command of COMMANDS) {
      // An answer over the bus may have any shape.
      if (command.startsWith('bus request') && body.startsWith('{')) continue;
      await assert.rejects(run(command), REFUSED, command);
    }
  });
}

/** A backend that ends its streams after one event. */
function streams(t: TestContext, event: string) {
  return other(t, ({ url = '' }, response) => {
    if (url.startsWith('/api/v1/logs?'))
      response.setHeader('content-type', 'application/json').end('{"logs":[]}');
    else response.setHeader('content-type', 'text/event-stream').end(`${event}\n\n`);
  });
}

for (const data of ['nothing', 'null', '[1]', '{}', '{"time":"now","id":7}']) {
  test(`commands that follow a stream refuse an event that is ${data}, with a code`, async (t) => {
    await assert.rejects((await streams(t, `data: ${data}`))('logs tail -f'), REFUSED);
    await assert.rejects((await streams(t, `data: ${data}`))('bus subscribe a.b'), REFUSED);
  });
}

test('a logged line of another shape is refused, with a code', async (t) => {
  const event = JSON.stringify({
    id: '1',
    source: 'log_store',
    type: 'logs.a',
    time: '',
    data: { time: 'now' },
  });
  await assert.rejects((await streams(t, `data: ${event}`))('logs tail -f'), REFUSED);
});

test('an event of an unknown type is ignored, whatever its content', async (t) => {
  const run = await streams(t, 'event: news\ndata: nothing');
  await run('bus subscribe a.b');
});
