import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServerUrl } from './connection-url.ts';
import { DatabaseUrlError } from './errors.ts';

test('TLS is verified, except on this machine', () => {
  const tls = (url: string) => readServerUrl(url).tls;
  assert.deepEqual(tls('postgres://u:p@db.example.org/d'), { minVersion: 'TLSv1.2' });
  assert.deepEqual(tls('postgresql://u:p@localhost/d?sslmode=verify-full'), { minVersion: 'TLSv1.2' });
  for (const local of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]'])
    assert.equal(tls(`postgres://u@${local}/d`), false, local);
  assert.equal(tls('postgres://u@localhost/d?host=/var/run/postgresql'), false);
});

test('the location has no password', () => {
  const { location, password, user, port } = readServerUrl('postgres://u:se%2Fcret@db.example.org/d');
  assert.deepEqual([location, password, user, port], ['u@db.example.org:5432/d', 'se/cret', 'u', 5_432]);
});

test('a connection that would reveal the data, and an address that is incomplete, are refused without the password', () => {
  for (const [url, reason] of [
    ['postgres://u:canary@db.example.org/d?sslmode=disable', /in the clear/],
    ['postgres://u:canary@10.0.0.5/d?sslmode=disable', /in the clear/],
    ['postgres://u:canary@localhost.example.org/d?sslmode=disable', /in the clear/],
    ['postgres://u:canary@db.example.org/d?sslmode=require', /sslmode=require/],
    ['postgres://u:canary@db.example.org/d?sslmode=prefer', /sslmode=prefer/],
    ['postgres://u:canary@db.example.org/d?sslcert=x', /unknown parameter sslcert/],
    ['postgres://u:canary@db.example.org/d?sslrootcert=/nowhere.pem', /cannot be read/],
    ['postgres://u:canary@db.example.org/', /no host, no user or no database/],
    ['postgres://db.example.org/d', /no host, no user or no database/],
    ['mysql://u:canary@db.example.org/d', /not the address/],
    ['canary', /not the address/],
  ] as const)
    assert.throws(
      () => readServerUrl(url),
      (error) => {
        assert.ok(error instanceof DatabaseUrlError, url);
        assert.match(error.message, reason);
        assert.doesNotMatch(`${error.message} ${error.hint}`, /canary/);
        return true;
      },
    );
});
