import { useEffect, useState } from 'preact/hooks';
import { agoText, clockText } from './values.ts';

/** A relative time, with the exact one as its tooltip. */
export function Time({ at }: { readonly at: number | string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  const time = typeof at === 'string' ? Date.parse(at) : at;
  return (
    <time dateTime={new Date(time).toISOString()} title={clockText(time)}>
      {agoText(time, Math.max(now, Date.now()))}
    </time>
  );
}
