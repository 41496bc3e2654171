import { FILTERS, type Filter, LEVELS } from './filter.ts';

interface LogFilterProps {
  readonly filter: Filter;
  readonly services: readonly string[];
  readonly onChange: (filter: Filter) => void;
}

/** The filters as fields. Those that come from a link are shown and can be removed. */
export function LogFilter({ filter, services, onChange }: LogFilterProps) {
  const given = (values: Filter): Filter =>
    Object.fromEntries(Object.entries({ ...filter, ...values }).filter(([, value]) => value !== ''));
  const set = (name: string) => (event: Event) =>
    onChange(given({ [name]: (event.currentTarget as HTMLInputElement | HTMLSelectElement).value }));
  const { level = '', service = '', text = '' } = filter;
  const others = FILTERS.filter(
    (name) => !['level', 'service', 'text'].includes(name) && filter[name] !== undefined,
  );
  return (
    <>
      <label>
        <span>level</span>
        <select value={level} onChange={set('level')}>
          <option value="">all</option>
          {LEVELS.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>service</span>
        <select value={service} onChange={set('service')}>
          <option value="">all</option>
          {[...new Set([...services, ...(service === '' ? [] : [service])])].map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      <label class="wide">
        <span>words</span>
        <input type="search" data-search value={text} placeholder="/" onChange={set('text')} />
      </label>
      {others.map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          title={filter[name]}
          onClick={() => onChange(given({ [name]: '' }))}
        >
          {`${name} ${filter[name]} ×`}
        </button>
      ))}
    </>
  );
}
