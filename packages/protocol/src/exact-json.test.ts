import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasDoubledKey, inexactNumberIn, parseJson } from './exact-json.ts';

test('a number that a double cannot hold is found at any position', () => {
  for (const [json, found] of [
    ['9007199254740993', '9007199254740993'],
    ['{"a":[1,-9007199254740993]}', '-9007199254740993'],
    ['[1e400]', '1e400'],
    ['[-1E+999]', '-1E+999'],
    ['[1e-400]', '1e-400'],
    ['[123456789012345678901234567890]', '123456789012345678901234567890'],
    ['[9007199254740993.0]', '9007199254740993.0'],
    ['[-123456789012345678.5]', '-123456789012345678.5'],
    ['["9007199254740993", 1e400]', '1e400'],
    ['["a\\"9007199254740993", 9007199254740993]', '9007199254740993'],
  ] as const)
    assert.equal(inexactNumberIn(json), found, json);
});

test('exact numbers are accepted, and so is text that looks like a number', () => {
  for (const json of [
    '[0, -0, 1, 0.1, 1e3, 1.5e-7, 0e400, 0.0e-400]',
    '9007199254740991',
    '9007199254740992',
    '9007199254740992.0',
    '1e21',
    '1.2345678901234567e23',
    '0.1234567890123456789',
    '"9007199254740993"',
    '{"9007199254740993": "1e400"}',
    '"\\\\", "1e400"',
  ])
    assert.equal(inexactNumberIn(json), undefined, json);
});

test('parseJson() says where a text is wrong, and quotes nothing of it', () => {
  assert.deepEqual(parseJson('{"a":[1]}'), { a: [1] });
  for (const [text, message] of [
    ['{"diary": dear me}', 'it is not JSON'],
    ['dear me', 'it is not JSON'],
    ['{"diary": "dear', 'it is not JSON: see line 1 column 16'],
    ['{"diary": "dear"\n 5}', 'it is not JSON: see line 2 column 2'],
    ['', 'it is not JSON'],
  ] as const)
    assert.throws(() => parseJson(text), { name: 'SyntaxError', message }, text);
});

test('hasDoubledKey() finds a key that stands twice in one object, and no other', () => {
  for (const json of ['{"a":1,"a":2}', '[{"b":{"x":":","x":{}}}]', '{"ab":1,"\\u0061b":2}', '{"":1,"":1}'])
    assert.equal(hasDoubledKey(json, parseJson(json)), true, json);
  for (const json of ['{"a":1,"b":{"a":":"}}', '["a:\\"b:\\\\",":"]', '{"a\\\\":1,"a\\"":":"}', '":"', '1'])
    assert.equal(hasDoubledKey(json, parseJson(json)), false, json);
});
