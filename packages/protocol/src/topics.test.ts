import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  MAX_TOPIC_LENGTH,
  MAX_TOPIC_SEGMENTS,
  matchesTopic,
  parsePattern,
  parseTopic,
  TopicInvalidError,
  TopicTrie,
  topicSegment,
} from './index.ts';

/** The rules of NATS as a regular expression, independent of the code under test. */
function reference(pattern: string, topic: string): boolean {
  const source = pattern
    .split('.')
    .map((word) => (word === '*' ? '[^.]+' : word === '>' ? '.+' : word.replace(/[\\^$|?+()[\]{}]/g, '\\$&')))
    .join('\\.');
  return new RegExp(`^${source}$`, 'su').test(topic);
}

/** A small alphabet, so that patterns often match topics. */
const word = fc.constantFrom('a', 'b', 'c', 'é', '$x', 'a-b');
const topicOf = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('.'));
const patternOf = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('*')), { minLength: 0, maxLength: 5 }), fc.boolean())
  .map(([words, rest]) => [...words, ...(rest || words.length === 0 ? ['>'] : [])].join('.'));

describe('topics', () => {
  test('matchesTopic() agrees with the reference matcher', () => {
    fc.assert(
      fc.property(patternOf, topicOf, (pattern, topic) => {
        assert.equal(matchesTopic(pattern, topic), reference(pattern, topic));
      }),
      { numRuns: 2_000 },
    );
  });

  for (const [pattern, topic, expected] of [
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a', false],
    ['a.>', 'a.b.c', true],
    ['>', 'a', true],
    ['*.b', 'a.b', true],
    ['*.>', 'a', false],
    ['a.*.c', 'a.b.c', true],
  ] as const) {
    test(`"${pattern}" ${expected ? 'matches' : 'does not match'} "${topic}"`, () => {
      assert.equal(matchesTopic(pattern, topic), expected);
    });
  }

  for (const topic of ['', '.', 'a.', '.a', 'a..b', 'a b', 'a\n', 'a\0', 'a*', 'a.>b', '\ud800', 'a.\u200b'])
    test(`${JSON.stringify(topic)} is neither a topic nor a pattern`, () => {
      assert.throws(() => parseTopic(topic), TopicInvalidError);
      assert.throws(() => parsePattern(topic), TopicInvalidError);
    });

  test('wildcards are allowed in patterns only, and ">" only at their end', () => {
    assert.throws(() => parseTopic('a.*'), TopicInvalidError);
    assert.throws(() => parseTopic('a.>'), TopicInvalidError);
    assert.throws(() => parsePattern('>.a'), TopicInvalidError);
    assert.deepEqual(parsePattern('*.>'), ['*', '>']);
  });

  test('length and depth are limited', () => {
    assert.throws(() => parseTopic('a'.repeat(MAX_TOPIC_LENGTH + 1)), TopicInvalidError);
    assert.throws(
      () =>
        parseTopic(
          Array(MAX_TOPIC_SEGMENTS + 1)
            .fill('a')
            .join('.'),
        ),
      TopicInvalidError,
    );
    parseTopic(Array(MAX_TOPIC_SEGMENTS).fill('a').join('.'));
  });

  test('topicSegment() turns any text into one valid segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assert.equal(parseTopic(`logs.${topicSegment(text)}`).length, 2);
      }),
    );
    assert.equal(topicSegment('my.plugin v2'), 'my_plugin_v2');
  });
});

describe('TopicTrie', () => {
  type Step = readonly ['add' | 'remove', string, number];
  const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('add', 'add', 'remove'), patternOf, fc.nat(3));

  for (const memory of [0, 2, 100]) {
    test(`agrees with a list and the reference matcher, caching ${memory} topics`, () => {
      fc.assert(
        fc.property(
          fc.array(step, { maxLength: 30 }),
          fc.array(topicOf, { maxLength: 5 }),
          (steps, topics) => {
            const trie = new TopicTrie<number>(memory);
            const list = new Map<string, { readonly pattern: string; readonly value: number }>();
            for (const [action, pattern, value] of steps) {
              const key = `${pattern} ${value}`;
              if (action === 'add') {
                trie.add(pattern, value);
                list.set(key, { pattern, value });
              } else {
                assert.equal(trie.remove(pattern, value), list.delete(key));
              }
              assert.equal(trie.size, list.size);
              for (const topic of topics) {
                const expected = [...list.values()].filter((entry) => reference(entry.pattern, topic));
                const found = [...trie.match(topic)].sort();
                assert.deepEqual(found, [...new Set(expected.map((entry) => entry.value))].sort());
              }
            }
          },
        ),
        { numRuns: 200 },
      );
    });
  }

  test('a malformed topic is refused, also the second time', () => {
    const trie = new TopicTrie<number>();
    assert.throws(() => trie.match('a..b'), TopicInvalidError);
    assert.throws(() => trie.match('a..b'), TopicInvalidError);
    assert.throws(() => trie.match('*'), TopicInvalidError);
  });

  test('a pattern named like a property of Object has no special meaning', () => {
    const trie = new TopicTrie<number>();
    trie.add('__proto__.constructor', 1);
    assert.deepEqual(trie.match('__proto__.constructor'), [1]);
    assert.deepEqual(trie.match('__proto__.toString'), []);
  });
});

test('the package uses no Node builtins, so browsers can load it', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => /(?<!\.test)\.ts$/.test(name));
  assert.ok(files.length >= 5);
  for (const file of files) {
    const source = readFileSync(`${import.meta.dirname}/${file}`, 'utf8');
    assert.doesNotMatch(source, /from 'node:|\bBuffer\b|\bprocess\./, file);
  }
});
