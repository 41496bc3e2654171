import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otlpOf } from './logs-export.ts';

test('lines become records of OTLP, by service and component', () => {
  const line = {
    id: 1,
    time: 1_764_273_600_123,
    level: 'warn',
    service: 'inbox',
    component: 'import',
    message: 'Refused',
    fields: { n: 3, ratio: 0.5, ok: false, nothing: null, list: ['a', 1], inner: { x: 'y' } },
    context: { requestId: 'r1', traceId: '0af7651916cd43dd8448eb211c80319c' },
  } as const;
  const text = JSON.stringify(otlpOf([line, { ...line, component: 'parser', fields: {} }]));
  const { resourceLogs } = JSON.parse(text);
  assert.equal(resourceLogs.length, 1);
  assert.deepEqual(resourceLogs[0].resource.attributes, [
    { key: 'service.name', value: { stringValue: 'inbox' } },
  ]);
  const [scope, other] = resourceLogs[0].scopeLogs;
  assert.deepEqual([scope.scope.name, other.scope.name], ['import', 'parser']);
  assert.deepEqual(scope.logRecords, [
    {
      timeUnixNano: '1764273600123000000',
      severityNumber: 13,
      severityText: 'WARN',
      body: { stringValue: 'Refused' },
      attributes: [
        { key: 'n', value: { intValue: '3' } },
        { key: 'ratio', value: { doubleValue: 0.5 } },
        { key: 'ok', value: { boolValue: false } },
        { key: 'nothing', value: {} },
        { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } } },
        { key: 'inner', value: { kvlistValue: { values: [{ key: 'x', value: { stringValue: 'y' } }] } } },
        { key: 'aico.request.id', value: { stringValue: 'r1' } },
      ],
      traceId: '0af7651916cd43dd8448eb211c80319c',
    },
  ]);
});
