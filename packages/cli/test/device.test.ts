import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

test('aico device prints a code with a QR code, lists devices, and refuses clearly', async (t) => {
  const aico = await Aico.create(t);
  const running = await aico.serve();
  const pairing = await aico.run(['device', 'pair', '--role', 'guest']);
  assert.equal(pairing.code, 0, pairing.stderr);
  assert.match(pairing.stdout, /^ *Code +[0-9A-Z]{4}-/m);
  assert.match(pairing.stdout, /█|▀|▄/);
  const plain = await aico.run(['device', 'pair', '--json']);
  const { code, roles } = plain.json() as { code: string; roles: string[] };
  assert.deepEqual([code.replaceAll('-', '').length, roles], [24, ['owner']]);
  assert.deepEqual((await aico.run(['device', 'list', '--json'])).json(), { devices: [] });
  const unknown = await aico.run(['device', 'revoke', 'd-0']);
  assert.notEqual(unknown.code, 0);
  assert.match(unknown.stderr, /there is no device d-0/);
  assert.match((await aico.run(['device', 'pair', '--role', 'king'])).stderr, /there is no role "king"/);
  running.child.kill('SIGTERM');
  await running.exited;
});
