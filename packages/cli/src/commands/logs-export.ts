import type { LoggedLine } from '@aico/client/ask';

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITY: Readonly<Record<LoggedLine['level'], number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
};

interface Attribute {
  readonly key: string;
  readonly value: object;
}

/**
 * Lines as one `ExportLogsServiceRequest` of OTLP in JSON, as collectors read it, from a file with one on each line too.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function otlpOf(lines: readonly LoggedLine[]): object {
  const services = Map.groupBy(lines, ({ service }) => service);
  const resourceLogs = [...services].map(([service, ofService]) => ({
    resource: { attributes: [attribute('service.name', service)] },
    scopeLogs: [...Map.groupBy(ofService, ({ component }) => component)].map(([name, ofComponent]) => ({
      scope: { name },
      logRecords: ofComponent.map(recordOf),
    })),
  }));
  return { resourceLogs };
}

function recordOf({ time, level, message, fields, context = {} }: LoggedLine): object {
  const { traceId, requestId, plugin, device } = context;
  const names = { 'aico.request.id': requestId, 'aico.plugin': plugin, 'aico.device.id': device };
  return {
    // Nanoseconds do not fit into a number.
    timeUnixNano: `${time}000000`,
    severityNumber: SEVERITY[level],
    severityText: level.toUpperCase(),
    body: { stringValue: message },
    attributes: [...Object.entries(fields), ...Object.entries(names)]
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => attribute(name, value)),
    ...(traceId !== undefined && { traceId }),
  };
}

function attribute(key: string, value: unknown): Attribute {
  return { key, value: anyValue(value) };
}

function anyValue(value: unknown): object {
  switch (typeof value) {
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    case 'object':
      if (value === null) return {};
      if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
      return {
        kvlistValue: { values: Object.entries(value).map(([name, item]) => attribute(name, item)) },
      };
    default:
      return { stringValue: String(value) };
  }
}
