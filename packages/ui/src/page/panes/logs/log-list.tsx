import type { LoggedLine } from '@aico/client/page';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { severityOf } from '../../elements/badge.tsx';
import { clockText } from '../../elements/values.ts';
import type { Log } from './use-log.ts';

/** The height of a row in pixels. All rows have the same, so that a place in the list is a multiplication. */
const ROW = 22;
/** Rows that are rendered above and below the visible ones. */
const MARGIN = 10;
/** Characters of a message that a row renders; the line itself is in the details. */
const LONGEST = 400;

interface LogListProps {
  readonly log: Log;
  readonly selected: number | undefined;
  readonly onSelect: (line: LoggedLine) => void;
  /** Whether the list stays at its end when lines arrive. */
  readonly isFollowing: boolean;
  readonly onFollow: (isFollowing: boolean) => void;
}

/** A list of which only the visible rows are rendered. Scrolling to its beginning loads older lines. */
export function LogList({ log, selected, onSelect, isFollowing, onFollow }: LogListProps) {
  const { lines, hasOlder, loadOlder } = log;
  const list = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const first = lines[0]?.id;
  const before = useRef({ first, count: lines.length });
  const start = Math.max(0, Math.floor(view.top / ROW) - MARGIN);
  const end = Math.min(lines.length, Math.ceil((view.top + view.height) / ROW) + MARGIN);
  const index = lines.findLastIndex(({ id }) => id === selected);

  const measure = (): void => {
    const { current } = list;
    if (current === null) return;
    setView({ top: current.scrollTop, height: current.clientHeight });
    onFollow(current.scrollTop + current.clientHeight >= current.scrollHeight - ROW);
    if (current.scrollTop < 20 * ROW && hasOlder) void loadOlder();
  };
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (list.current !== null) setView({ top: list.current.scrollTop, height: list.current.clientHeight });
    });
    if (list.current !== null) observer.observe(list.current);
    return () => observer.disconnect();
  }, []);
  // The rows that the user reads stay where they are when older lines are put before them.
  useLayoutEffect(() => {
    const { current } = list;
    if (current === null) return;
    const grown = lines.length - before.current.count;
    const isOlder = first !== before.current.first && before.current.first !== undefined && grown > 0;
    if (isFollowing) current.scrollTop = current.scrollHeight;
    else if (isOlder) current.scrollTop += grown * ROW;
    before.current = { first, count: lines.length };
  }, [first, lines.length, isFollowing]);

  const select = (to: number): void => {
    const line = lines[Math.max(0, Math.min(lines.length - 1, to))];
    const { current } = list;
    if (line === undefined || current === null) return;
    onSelect(line);
    const top = lines.indexOf(line) * ROW;
    if (top < current.scrollTop) current.scrollTop = top;
    else if (top + ROW > current.scrollTop + current.clientHeight)
      current.scrollTop = top + ROW - current.clientHeight;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(view.height / ROW) - 1);
    const at = index === -1 ? lines.length : index;
    const steps: Readonly<Record<string, number>> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      PageUp: at - page,
      PageDown: at + page,
      Home: 0,
      End: lines.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(to);
  };

  return (
    <div
      ref={list}
      class="log"
      role="listbox"
      aria-label="Log lines"
      tabIndex={0}
      aria-activedescendant={index >= start && index < end ? `line-${selected}` : undefined}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <div class="log-space" style={{ height: `${lines.length * ROW}px` }}>
        {lines.slice(start, end).map((line, offset) => (
          <LogRow
            key={line.id}
            line={line}
            top={(start + offset) * ROW}
            isSelected={line.id === selected}
            onSelect={onSelect}
          />
        ))}
      </div>
    </div>
  );
}

interface LogRowProps {
  readonly line: LoggedLine;
  readonly top: number;
  readonly isSelected: boolean;
  readonly onSelect: (line: LoggedLine) => void;
}

function LogRow({ line, top, isSelected, onSelect }: LogRowProps) {
  const { id, time, level, service, component, message } = line;
  const exact = clockText(time);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles the keys for all of its rows.
    <div
      id={`line-${id}`}
      class={`log-row ${severityOf(level)}`}
      role="option"
      aria-selected={isSelected}
      tabIndex={-1}
      style={{ top: `${top}px` }}
      onClick={() => onSelect(line)}
    >
      <span class="log-time" title={exact}>
        {exact.slice(11)}
      </span>
      <span class="log-level">{level}</span>
      <span class="log-from">{component === '' ? service : `${service}/${component}`}</span>
      <span class="log-message">{message.slice(0, LONGEST).replaceAll(/\s+/g, ' ')}</span>
    </div>
  );
}
