import type { LoggedLine } from '@aico/client/page';
import { Badge } from '../../elements/badge.tsx';
import { JsonView } from '../../elements/json-view.tsx';
import { linkTo } from '../../elements/route.ts';
import { Time } from '../../elements/time.tsx';
import { clockText } from '../../elements/values.ts';

interface LogDetailsProps {
  readonly line: LoggedLine;
  readonly onClose: () => void;
}

/** One line with all of its fields, and the lines that belong to the same request, trace, plugin or device. */
export function LogDetails({ line, onClose }: LogDetailsProps) {
  const { id, time, level, service, component, message, fields, context = {} } = line;
  const { requestId, traceId, plugin, device } = context;
  const related: readonly (readonly [string, string])[] = [
    ...(requestId === undefined ? [] : [['this request', linkTo('logs', { requestId })] as const]),
    ...(traceId === undefined ? [] : [['this trace', linkTo('logs', { traceId })] as const]),
    ...(plugin === undefined ? [] : [['this plugin', linkTo('logs', { plugin })] as const]),
    ...(device === undefined ? [] : [['this device', linkTo('logs', { device })] as const]),
    ['this service', linkTo('logs', { service })],
  ];
  return (
    <section class="details" aria-label="Log line">
      <header>
        <p>
          <Badge state={level} /> <b>{component === '' ? service : `${service}/${component}`}</b>{' '}
          <Time at={time} /> <span class="quiet">{clockText(time)}</span>
        </p>
        <button type="button" class="plain" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <p class="message">{message}</p>
      <p class="links">
        <a href={linkTo('logs', { id })}>link to this line</a> lines of{' '}
        {related.map(([label, href]) => (
          <a key={label} href={href}>
            {label}
          </a>
        ))}
      </p>
      {Object.keys(fields).length > 0 && <JsonView value={fields} />}
    </section>
  );
}
