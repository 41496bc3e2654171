import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A request that has not been answered in full. */
export interface Flight {
  readonly response: ServerResponse;
  /** The name of the mount it was handed to. */
  mount: string | undefined;
  /** Ends it, where it has no end of its own: nobody waits for it then. */
  end: (() => void) | undefined;
  /** Who waits until it is over, or need not be waited for; nobody does for most. */
  landed: PromiseWithResolvers<void> | undefined;
  /** Where it is listed. */
  index: number;
}

/** Every request that has not been answered in full. */
export class Flights {
  /**
   * Closed up from its end. Not a Set: one that is always added to and deleted from is copied every few requests, and each
   * old copy keeps the next one alive, with the requests in it, until the collector goes through the whole heap.
   */
  readonly #flights: Flight[] = [];

  /** A request is in flight until `response` is closed. */
  begin(response: ServerResponse): Flight {
    const index = this.#flights.length;
    const flight: Flight = { response, mount: undefined, end: undefined, landed: undefined, index };
    this.#flights.push(flight);
    response.on('close', () => this.#remove(flight));
    // Its writer may write once more before it hears of the end.
    response.on('error', ignore);
    return flight;
  }

  /** The request turned out to be one that goes on until its reader leaves, or `end` is called. */
  noteEndless(response: ServerResponse, end = (): void => endNow(response)): void {
    const flight = this.#flights.find((each) => each.response === response);
    if (flight === undefined) return;
    flight.end = end;
    flight.landed?.resolve();
  }

  /** Resolves when all that is in flight to mounts now and has an end has come to it. */
  async landed(): Promise<void> {
    await Promise.all(this.#ending().map(landing));
  }

  /** Resolves when nothing that `connection` asked for is in flight, but what has no end. */
  async whenIdle(connection: Duplex): Promise<void> {
    const ofConnection = ({ response, end }: Flight): boolean =>
      end === undefined && response.req.socket === connection;
    for (;;) {
      const flights = this.#flights.filter(ofConnection);
      if (flights.length === 0) return;
      await Promise.all(flights.map(landing));
    }
  }

  /**
   * Looks again at what is in flight, since the rights of some have changed: ends of theirs what has no end of its own,
   * whose reader may come back and is asked at the door, and cuts what is not permitted any more.
   *
   * @param permitted whether the request may go on; undefined where it is none of theirs
   */
  reconsider(permitted: (request: IncomingMessage) => boolean | undefined): void {
    for (const { response, end } of [...this.#flights]) {
      const goesOn = permitted(response.req);
      if (goesOn === undefined) continue;
      if (end !== undefined) end();
      else if (!goesOn) response.destroy();
    }
  }

  /** Ends what has no end of its own. */
  endEndless(): void {
    for (const { end } of [...this.#flights]) end?.();
  }

  /** Resolves when all that is in flight to `mount` now is over; ends what has no end of its own. */
  async endMount(mount: string): Promise<void> {
    const flights = this.#flights.filter((flight) => flight.mount === mount);
    const closed = flights.map(({ response }) => whenClosed(response));
    for (const { end } of flights) end?.();
    await Promise.all(closed);
  }

  /** Breaks off what is in flight to mounts and should have come to an end. @returns what was asked for */
  cut(): readonly string[] {
    const flights = this.#ending();
    for (const { response } of flights) response.destroy();
    return flights.map(({ response: { req } }) => `${req.method} ${pathOf(req.url)}`);
  }

  #ending(): readonly Flight[] {
    return this.#flights.filter(({ mount, end }) => mount !== undefined && end === undefined);
  }

  #remove(flight: Flight): void {
    const last = this.#flights.pop();
    if (last !== undefined && last !== flight) {
      this.#flights[flight.index] = last;
      last.index = flight.index;
    }
    flight.landed?.resolve();
  }
}

function ignore(): void {}

function landing(flight: Flight): Promise<void> {
  flight.landed ??= Promise.withResolvers<void>();
  return flight.landed.promise;
}

function whenClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', () => resolve()));
}

function endNow(response: ServerResponse): void {
  // A reader who takes nothing would not take the end either.
  if (response.writableNeedDrain) response.destroy();
  else response.end();
}

/** The query of a request is private. */
function pathOf(url = ''): string {
  return url.split('?', 1)[0] ?? '';
}
