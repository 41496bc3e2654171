import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { createTestHome } from '@aico/backend/testing';
import { AICOPaths } from '@aico/shared/core/paths';
import { commandPath, createProgram } from '../src/program.ts';
import { runCommand } from '../src/run-command.ts';

const COMMANDS = [
  'health',
  'status',
  'config list --live',
  'plugin list',
  'logs tail',
  'db status',
  'db stats',
];

test('a command that asks for a state reports within seconds that the backend hangs', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const { socketFile } = new AICOPaths({ home: home.folder });
  await mkdir(path.dirname(socketFile), { recursive: true });
  // Accepts every connection, reads every request and answers none.
  const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(socketFile);
  await once(server, 'listening');
  t.after(() => server.close());
  const beganAt = performance.now();
  await Promise.all(
    COMMANDS.map(async (command) => {
      const all = [...command.split(' '), '--home', home.folder, '--json'];
      await assert.rejects(
        runCommand(createProgram(), all, commandPath(all)),
        { code: 'AICO_CLIENT_TIMEOUT' },
        command,
      );
    }),
  );
  // This only limits the wait: the default for commands that make the backend work is 120 s.
  assert.ok(performance.now() - beganAt < 60_000);
});
