interface SparklineProps {
  readonly label: string;
  /** The samples, oldest first. */
  readonly values: readonly number[];
  /** The number of samples that fill the width. */
  readonly room: number;
  readonly show: (value: number) => string;
}

const WIDTH = 120;
const HEIGHT = 30;

/** The course of a figure, with its latest and its largest value as text. */
export function Sparkline({ label, values, room, show }: SparklineProps) {
  const largest = Math.max(...values, 0);
  const points = values.map((value, index) => {
    const x = WIDTH - ((values.length - 1 - index) * WIDTH) / (room - 1);
    const y = HEIGHT - 1 - (largest === 0 ? 0 : (value / largest) * (HEIGHT - 2));
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return (
    <figure class="spark">
      <figcaption>
        <span class="quiet">{label}</span> <b>{values.length === 0 ? '–' : show(values.at(-1) ?? 0)}</b>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {points.length > 1 && <path d={`M${points.join('L')}`} />}
      </svg>
      <span class="quiet small">{values.length === 0 ? 'no sample yet' : `at most ${show(largest)}`}</span>
    </figure>
  );
}
