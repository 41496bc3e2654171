import { ask, type ReplyOf } from '@aico/client/ask';
import type { LogLevel } from '@aico/shared/core/logging';
import type { Command } from 'commander';
import { pathArgument } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { UsageError } from '../errors.ts';
import { type SecretFiles, withSecretFiles } from '../security/secret-files.ts';
import type { Query } from './logs-filter.ts';

/** The most lines that the backend returns at once. */
const LINES_AT_ONCE = 1_000;

export type StoredLine = ReplyOf<'get', '/api/v1/logs'>['logs'][number];
export type LineCounts = ReplyOf<'get', '/api/v1/logs/counts'>;

/** Where lines are read from: the log of the backend, or an archive. */
export interface LineSource {
  /** The newest `query.limit` lines, newest first. */
  newest(query: Query): Promise<readonly StoredLine[]>;
  /** All lines, oldest first. */
  all(query: Query): AsyncIterable<readonly StoredLine[]>;
  line(id: number): Promise<StoredLine>;
  counts(): Promise<LineCounts>;
}

/** The options of {@link withArchive}. */
export interface SourceOptions extends SecretFiles {
  readonly archive?: string;
}

/** Adds the options that read an archive instead of the log. */
export function withArchive(command: Command): Command {
  return withSecretFiles(
    command.option('--archive <file>', 'read a file of `aico logs archive` instead; no backend needs to run'),
  );
}

export async function lineSource(
  context: CommandContext,
  { archive, ...files }: SourceOptions,
): Promise<LineSource> {
  if (archive === undefined) return new BackendLines(context);
  if (context.via !== undefined)
    throw new UsageError(
      '--archive and --via are given',
      'An archive is read with the keys of this home: leave out --via.',
    );
  return new ArchivedLines(context, pathArgument(archive), files);
}

class BackendLines implements LineSource {
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async newest({ limit = LINES_AT_ONCE, ...query }: Query): Promise<readonly StoredLine[]> {
    const client = await this.#context.client(QUICK_ANSWER_MS);
    const newest: StoredLine[] = [];
    for (let isMore = true; isMore; ) {
      const before = newest.at(-1)?.id;
      const wanted = {
        ...query,
        ...(before !== undefined && { before }),
        limit: Math.min(LINES_AT_ONCE, limit - newest.length),
      };
      const { logs } = await ask(client, 'get', '/api/v1/logs', { query: wanted });
      newest.push(...logs);
      // A page has fewer lines where they are long.
      isMore = logs.length > 0 && newest.length < limit;
    }
    return newest;
  }

  async *all(query: Query): AsyncGenerator<readonly StoredLine[]> {
    const client = await this.#context.client();
    const wanted = { ...query, first: 'oldest', limit: LINES_AT_ONCE } as const;
    for (let after = 0; ; ) {
      const { logs } = await ask(client, 'get', '/api/v1/logs', { query: { ...wanted, after } });
      const last = logs.at(-1);
      if (last === undefined) return;
      yield logs;
      after = last.id;
    }
  }

  async line(id: number): Promise<StoredLine> {
    return ask(await this.#context.client(QUICK_ANSWER_MS), 'get', '/api/v1/logs/{id}', { path: { id } });
  }

  async counts(): Promise<LineCounts> {
    return ask(await this.#context.client(), 'get', '/api/v1/logs/counts', {});
  }
}

/** The lines of an archive, which is read as a whole for each question. */
class ArchivedLines implements LineSource {
  readonly #context: CommandContext;
  readonly #file: string;
  readonly #secrets: SecretFiles;

  constructor(context: CommandContext, file: string, secrets: SecretFiles) {
    this.#context = context;
    this.#file = file;
    this.#secrets = secrets;
  }

  async *all({ level, since, until, ...filter }: Query): AsyncGenerator<readonly StoredLine[]> {
    const [{ ARCHIVE_PURPOSE, isSelected, readLogArchive }, { unlockedKeys }] = await Promise.all([
      import('@aico/backend/log-archive'),
      import('../security/home-keys.ts'),
    ]);
    const selection = {
      ...filter,
      ...(level !== undefined && { minLevel: level }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
    };
    const keys = await unlockedKeys(this.#context, this.#secrets);
    const key = keys.deriveKey(ARCHIVE_PURPOSE);
    keys.lock();
    try {
      for await (const page of readLogArchive(this.#file, key))
        yield page.filter((line) => isSelected(line, selection));
    } finally {
      key.fill(0);
    }
  }

  async newest({ limit = LINES_AT_ONCE, ...query }: Query): Promise<readonly StoredLine[]> {
    let newest: readonly StoredLine[] = [];
    for await (const page of this.all(query)) newest = [...newest, ...page].slice(-limit);
    return newest.toReversed();
  }

  async line(id: number): Promise<StoredLine> {
    let found: StoredLine | undefined;
    for await (const page of this.all({})) found ??= page.find((line) => line.id === id);
    if (found === undefined)
      throw new UsageError(
        `no line of the archive has the id ${id}`,
        '`aico logs ls --archive FILE` shows the ids.',
      );
    return found;
  }

  async counts(): Promise<LineCounts> {
    const counts = new Map<string, { service: string; level: LogLevel; lines: number }>();
    let [oldest, newest]: (number | undefined)[] = [];
    for await (const page of this.all({}))
      for (const { service, level, time } of page) {
        const name = JSON.stringify([service, level]);
        const count = counts.get(name) ?? { service, level, lines: 0 };
        count.lines += 1;
        counts.set(name, count);
        oldest ??= time;
        newest = time;
      }
    return {
      counts: [...counts.values()],
      ...(oldest !== undefined && { oldest }),
      ...(newest !== undefined && { newest }),
    };
  }
}
