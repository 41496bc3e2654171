import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask } from '../ask.ts';
import { misfit, type ReplyShape } from './reply-shape.ts';

const device: ReplyShape = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    roles: { type: 'array', items: { type: 'string' } },
    seen: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    marks: { type: 'object', others: { type: 'boolean' } },
    free: {},
  },
  required: ['name', 'roles'],
};

describe('the shape of a reply', () => {
  test('accepts a value with every field, and additional fields', () => {
    for (const value of [
      { name: 'a', roles: [] },
      { name: 'a', roles: ['b'], seen: null, marks: { c: true }, free: [1], more: 1 },
      { name: 'a', roles: ['b'], seen: 7 },
    ])
      assert.equal(misfit(device, value), undefined);
  });

  test('refuses a missing field or one of another type, and names the location but not the value', () => {
    const wrong: readonly (readonly [unknown, string])[] = [
      [undefined, 'it is no object'],
      [[], 'it is no object'],
      [{ roles: [] }, '/name is missing'],
      [{ name: 'a', roles: {} }, '/roles is no array'],
      [{ name: 'a', roles: ['b', 7] }, '/roles/1 is no string'],
      [{ name: 'a', roles: [], seen: 1.5 }, '/seen is no integer'],
      [{ name: 'a', roles: [], marks: { c: 1 } }, '/marks/c is no boolean'],
    ];
    for (const [value, fault] of wrong) assert.equal(misfit(device, value), fault);
  });

  test('refuses the reply of an older backend with a code and a hint', async () => {
    const older = { json: async () => ({ devices: [{ id: 'a' }] }) };
    await assert.rejects(ask(older, 'get', '/api/v1/devices', {}), {
      code: 'AICO_CLIENT_REPLY_SHAPE',
      message: 'the reply to GET /api/v1/devices has an unknown shape: /devices/0/name is missing',
    });
  });
});
