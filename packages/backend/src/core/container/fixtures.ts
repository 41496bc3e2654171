import type { Lifecycle } from '../lifecycle.ts';

// Tests define service names freely; all other names stay checked.
declare module '../services.ts' {
  interface Services {
    readonly [name: `fixture.${string}`]: unknown;
  }
}

export type FixtureName = `fixture.${string}`;

export const fixture = <N extends string>(name: N): `fixture.${N}` => `fixture.${name}`;

/** Records the events of services in order: `start a`, `stop a`. */
export class Journal {
  readonly lines: string[] = [];

  /** The names of `event`, in order. */
  of(event: string): string[] {
    return this.lines
      .filter((line) => line.startsWith(`${event} `))
      .map((line) => line.slice(event.length + 1));
  }

  /** A service that records its phases and then runs `deeds`. */
  service(name: string, deeds: Lifecycle = {}): Lifecycle {
    const write = (event: string): void => void this.lines.push(`${event} ${name}`);
    return {
      initialize: async (signal) => {
        write('initialize');
        await deeds.initialize?.(signal);
      },
      start: async (signal) => {
        await deeds.start?.(signal);
        write('start');
      },
      stop: async (signal) => {
        write('stop');
        await deeds.stop?.(signal);
      },
    };
  }
}
