import type { StoredEvents } from '../events/stored-events.ts';
import type { LogFilter, StoredLogRecord } from './log-query.ts';
import { hasText } from './log-record.ts';
import type { LogStore } from './log-store.ts';

/** Lines that are read at once. */
const PAGE = 100;

/** The stored lines that a filter selects, as events. The number of an event is the id of its line. */
export function lineEvents(store: LogStore, { text = '', ...filter }: LogFilter): StoredEvents {
  return {
    last: () => store.lastId(),
    listen: (wake) => store.onStored(wake),
    async after(number) {
      // Read first: a line that is stored meanwhile is among the lines or left for the next time.
      const newest = await store.lastId();
      const lines = await store.stored(number, filter, PAGE);
      const wanted = text === '' ? lines : lines.filter((line) => hasText(line, text));
      const read = lines.at(-1)?.id ?? 0;
      return {
        events: wanted.map((line) => ({ number: line.id, text: JSON.stringify(cloudEventOf(line)) })),
        last: lines.length === PAGE ? read : Math.max(newest, read),
      };
    },
  };
}

/** Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function cloudEventOf(line: StoredLogRecord) {
  return {
    specversion: '1.0',
    id: `logs:${line.id}`,
    source: line.service,
    type: `logs.${line.service}`,
    time: new Date(line.time).toISOString(),
    datacontenttype: 'application/json',
    data: line,
  };
}
