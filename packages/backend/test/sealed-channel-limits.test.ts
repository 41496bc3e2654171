import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import { channelSection } from '../src/channel/channel-config.ts';
import { gatewayConfig } from '../src/gateway/config.ts';

const DOCUMENT = readFileSync(new URL('../../../docs/sealed-channel.md', import.meta.url), 'utf8');

test('docs/sealed-channel.md lists every limit of the channel with its default', () => {
  const rows = new Map(
    [...DOCUMENT.matchAll(/^\| `(core\.[a-z_.]+)` \| ([\d,]+)/gm)].map(([, setting = '', value = '']) => [
      setting,
      Number(value.replaceAll(',', '')),
    ]),
  );
  const { max_header_kib, max_body_mib } = Value.Create(gatewayConfig);
  const limits = {
    ...prefixed('core.channel', Value.Create(channelSection.schema)),
    ...prefixed('core.api_gateway', { max_header_kib, max_body_mib }),
  };
  assert.deepEqual(Object.fromEntries(rows), limits);
});

function prefixed(section: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${section}.${name}`, value]));
}
