import type { MessageRun } from '../messages/message-run.ts';

/** What is left of a run: the payloads from `at` to before `end`. */
export interface RunView {
  readonly run: MessageRun;
  at: number;
  end: number;
}

/** Below this many, what is left of a run is not worth copying out of it. */
const SMALL = 16;

/** First in, first out, in runs; the caller bounds it. */
export class MessageQueue {
  #views: RunView[] = [];
  #first = 0;
  #length = 0;

  /** How many messages there are. */
  get length(): number {
    return this.#length;
  }

  /** Takes in the first `count` messages of `run`. */
  push(run: MessageRun, count: number): void {
    this.#views.push({ run, at: 0, end: count });
    this.#length += count;
  }

  /** The run with the oldest message; `undefined` when there is none. It has at least one message left. */
  get first(): RunView | undefined {
    return this.#views[this.#first];
  }

  /** Takes the oldest message of `first` away. */
  advance(view: RunView): void {
    view.at += 1;
    this.#length -= 1;
    if (view.at === view.end) this.#shift();
  }

  /** Takes the `count` oldest messages away; there are so many. */
  drop(count: number): void {
    for (let left = count; left > 0; ) {
      const view = this.first;
      if (view === undefined) return;
      const taken = Math.min(left, view.end - view.at);
      view.at += taken;
      left -= taken;
      this.#length -= taken;
      if (view.at === view.end) this.#shift();
      else this.#letGo(view);
    }
  }

  /** Empties it and says how many there were. */
  clear(): number {
    const length = this.#length;
    this.#views = [];
    this.#first = 0;
    this.#length = 0;
    return length;
  }

  #shift(): void {
    this.#first += 1;
    if (this.#first === this.#views.length) {
      this.#views = [];
      this.#first = 0;
    } else if (this.#first >= 1_024 && this.#first * 2 > this.#views.length) {
      this.#views.splice(0, this.#first);
      this.#first = 0;
    } else {
      // The place is emptied, so that what was in the run can be collected.
      this.#views[this.#first - 1] = EMPTY;
    }
  }

  /** Does not keep a long run alive for the few messages left of it. */
  #letGo(view: RunView): void {
    const { run, at, end } = view;
    const left = end - at;
    if (run.payloads.length < SMALL || left * 2 > run.payloads.length) return;
    const payloads = run.payloads.slice(at, end);
    this.#views[this.#first] = {
      run: { ...run, sequence: run.sequence + at, payloads },
      at: 0,
      end: left,
    };
  }
}

const EMPTY: RunView = {
  run: {
    head: {
      type: '',
      source: '',
      timeMs: 0,
      idPrefix: '',
      id: undefined,
      traceparent: undefined,
      replyto: undefined,
      deadline: undefined,
      contentType: undefined,
      checkedBy: undefined,
    },
    sequence: 0,
    payloads: [],
    copied: false,
  },
  at: 0,
  end: 0,
};
