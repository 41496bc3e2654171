import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseJson } from '@aico/protocol';
import { Check } from 'typebox/value';
import {
  ensurePrivateFolder,
  moveDurably,
  openToRead,
  removeDurably,
  syncFolder,
} from '../../core/paths/index.ts';
import { type NotedEvent, NotedEventSchema } from './audit-event.ts';

/** Bytes that are read at most: a program of the user can make the file as long as the disk. */
const MOST_BYTES = 4 * 1_048_576;

/**
 * Events that happened while no database was open, such as a failed attempt to unlock, one on each line of a file. They wait
 * there until the trail takes them over. The file is readable to its user alone and not authenticated: there is no key then.
 */
export class PendingEvents {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Durable when it resolves. Several processes may append. */
  async append(events: readonly NotedEvent[]): Promise<void> {
    // A command may be the first thing that this home sees.
    ensurePrivateFolder(path.dirname(this.#file));
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    // One write, so that lines of several processes do not mix.
    await appendFile(this.#file, lines, { mode: 0o600, flush: true });
    // The file may be new.
    await syncFolder(path.dirname(this.#file));
  }

  /**
   * Hands the events over, and removes them once `take` has resolved. After a crash in between they are handed over again.
   *
   * @param take gets the events, and how many lines were none; all that follows the first 4 MiB counts as one such line
   */
  async drain(take: (events: readonly NotedEvent[], damaged: number) => Promise<void>): Promise<void> {
    const taken = `${this.#file}.taken`;
    // The file of an unfinished drain comes first; events that are appended meanwhile are left to the next drain.
    let content = await contentOf(taken);
    if (content === undefined) {
      if ((await contentOf(this.#file)) === undefined) return;
      await moveDurably(this.#file, taken);
      content = (await contentOf(taken)) ?? '';
    }
    const lines = content.split('\n').filter((line) => line !== '');
    const events = lines.map(parsed).filter((event) => event !== undefined);
    await take(events, lines.length - events.length);
    await removeDurably(taken);
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    await using handle = await openToRead(file);
    const content = await text(handle.createReadStream({ end: MOST_BYTES - 1, autoClose: false }));
    if ((await handle.stat()).size <= MOST_BYTES) return content;
    // The last line is incomplete, or lines after it are missing: in both cases a part that is no event follows.
    return `${content}…`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parsed(line: string): NotedEvent | undefined {
  try {
    const value: unknown = parseJson(line);
    return Check(NotedEventSchema, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
