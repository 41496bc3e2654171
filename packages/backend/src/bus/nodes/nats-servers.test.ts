import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, Secret } from '@aico/shared/core/config';
import { Interests } from './interests.ts';
import { type NatsSettings, readNatsServers } from './nats-servers.ts';

const SEED = `SU${'A'.repeat(56)}`;
const nkey = new Secret(SEED);
const certificate = { certificate_file: 'cert.pem', key_file: 'key.pem' };

const REFUSED: readonly (readonly [setting: string, settings: Partial<NatsSettings>])[] = [
  ['url', { url: 'nats://10.0.0.5:4222', nkey }],
  ['url', { url: 'nats://nats.example.net', nkey }],
  ['url', { url: 'nats://localhost.example.net', nkey }],
  ['url', { url: ['nats://127.0.0.1:4222', 'nats://10.0.0.5:4222'], nkey }],
  ['url', { url: ['nats://127.0.0.1:4222', 'tls://127.0.0.1:4223'] }],
  ['url', { url: 'tls://nats.example.net' }],
  ['url', { url: 'tls://user:secret@nats.example.net', nkey }],
  ['url', { url: 'http://127.0.0.1:4222' }],
  ['url', { url: '127.0.0.1:4222' }],
  ['url', { url: '' }],
  ['nkey', { url: 'tls://nats.example.net', nkey: new Secret('SUAAA') }],
  ['nkey', { url: 'tls://nats.example.net', nkey: new Secret(`SA${'A'.repeat(56)}`) }],
  ['tls', { url: 'tls://nats.example.net', tls: { certificate_file: 'cert.pem' } }],
  ['tls', { url: 'tls://nats.example.net', nkey, tls: { key_file: 'key.pem' } }],
  ['tls', { url: 'nats://127.0.0.1', tls: { ca_file: 'ca.pem' } }],
];

test('a server off this machine is reached over TLS and with a credential only, and a mistake is refused by its setting', () => {
  for (const [setting, settings] of REFUSED)
    assert.throws(
      () => readNatsServers({ tls: {}, ...settings }),
      (error: { code?: string; setting?: string; message?: string }) => {
        assert.equal(error.code, 'AICO_BUS_NATS_SETTINGS');
        assert.equal(error.setting, setting, JSON.stringify(settings));
        assert.doesNotMatch(error.message ?? '', /SUAAA|secret@/);
        return true;
      },
    );
});

test('settings become servers, hosts and credentials', () => {
  assert.equal(readNatsServers({ tls: {} }), undefined);
  assert.equal(readNatsServers({ url: [], tls: {} }), undefined);
  assert.deepEqual(readNatsServers({ url: 'nats://127.0.0.1', tls: {} }), {
    servers: ['127.0.0.1:4222'],
    hosts: ['127.0.0.1'],
    plain: true,
    tls: {},
    seed: undefined,
  });
  const url = ['tls://a.example.net:5000', 'tls://[::1]:5001'];
  assert.deepEqual(readNatsServers({ url, nkey, tls: { ...certificate, ca_file: 'ca.pem' } }), {
    servers: ['a.example.net:5000', '[::1]:5001'],
    hosts: ['a.example.net', '::1'],
    plain: false,
    tls: { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' },
    seed: Buffer.from(SEED),
  });
});

test('a host is on this machine by its name or address alone', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    assert.equal(isLoopback(host), true, host);
  for (const host of [
    '',
    '10.0.0.1',
    '0.0.0.0',
    '128.0.0.1',
    '::',
    'localhost.example.net',
    '127.0.0.1.example.net',
  ])
    assert.equal(isLoopback(host), false, host);
});

test('subscriptions to the topics of durable messages concern their own node alone', () => {
  const interests = new Interests();
  const receiver = { waits: false, batch: 1, receive: () => undefined };
  for (const pattern of ['_durable.publish', '_durable.>', '_cancel._durable.publish'])
    assert.equal(interests.add(pattern, receiver), undefined);
  assert.deepEqual(interests.all(), []);
  assert.equal(interests.add('_reply.a.*', receiver)?.add, true);
  assert.equal(interests.add('>', receiver)?.add, true);
});
