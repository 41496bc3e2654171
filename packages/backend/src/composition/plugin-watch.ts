import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { createMutex } from '@aico/shared/core/tasks';

/** Milliseconds without an event before the files are read: an editor writes several files, and each in several steps. */
const QUIET_MS = 50;

/** Files that a plugin consists of. Others, such as a log that it writes beside its code, reload nothing. */
const SOURCES = /\.(?:[cm]?[jt]s|json|sql|ya?ml|html|css|wasm|node)$/;

/** Larger files are compared by size and time instead of their content. */
const LARGEST_BYTES = 4_194_304;

/** The files of a plugin. */
interface WatchedPlugin {
  readonly name: string;
  readonly folder: string;
  /** Whether the files in the folders below belong to it too. */
  readonly isRecursive: boolean;
}

/** How a watched plugin's reloads went. */
export interface WatchEvents {
  reloaded(plugin: string, ms: number): void;
  /** The plugin could not be reloaded, and its version before runs on; or its files cannot be watched. */
  failed(plugin: string, error: unknown): void;
}

/**
 * Calls `reload` when the content of a plugin's sources has changed. The folders `node_modules` and those whose names begin
 * with a dot are left out. Watches each folder by itself, so that these are not watched either.
 */
export class PluginWatch implements AsyncDisposable {
  readonly #plugin: WatchedPlugin;
  readonly #reload: () => Promise<unknown>;
  readonly #events: WatchEvents;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #exclusive = createMutex();
  #digest: string | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(plugin: WatchedPlugin, reload: () => Promise<unknown>, events: WatchEvents) {
    this.#plugin = plugin;
    this.#reload = reload;
    this.#events = events;
  }

  /** Resolves when changes from now on are noticed. */
  async start(): Promise<void> {
    await this.#exclusive(async () => {
      this.#digest = await this.#look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#quiet);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    await this.#exclusive(() => undefined);
  }

  #changed(): void {
    clearTimeout(this.#quiet);
    if (!this.#isClosed) this.#quiet = setTimeout(() => void this.#check(), QUIET_MS);
  }

  async #check(): Promise<void> {
    const { name } = this.#plugin;
    await this.#exclusive(async () => {
      try {
        const digest = await this.#look();
        if (digest === this.#digest || this.#isClosed) return;
        this.#digest = digest;
        const beganAt = performance.now();
        await this.#reload();
        this.#events.reloaded(name, performance.now() - beganAt);
      } catch (error) {
        this.#events.failed(name, error);
      }
    });
  }

  /**
   * Watches every folder that is there.
   *
   * @returns a digest of all files
   */
  async #look(): Promise<string> {
    const hash = createHash('sha256');
    const folders = new Set<string>([this.#plugin.folder]);
    for (const folder of folders) {
      this.#watch(folder);
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
        const file = path.join(folder, entry.name);
        if (entry.isDirectory() && this.#plugin.isRecursive) folders.add(file);
        else if (entry.isFile() && SOURCES.test(entry.name))
          hash.update(JSON.stringify([file, await contentOf(file)]));
      }
    }
    for (const [folder, watcher] of this.#watchers)
      if (!folders.has(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    return hash.digest('hex');
  }

  #watch(folder: string): void {
    if (this.#isClosed || this.#watchers.has(folder)) return;
    const watcher = watch(folder, () => this.#changed());
    watcher.on('error', (error) => this.#events.failed(this.#plugin.name, error));
    this.#watchers.set(folder, watcher);
  }
}

/** A file that is gone by now has no content. */
async function contentOf(file: string): Promise<string> {
  try {
    const { size, mtimeMs } = await stat(file);
    if (size > LARGEST_BYTES) return `${size} ${mtimeMs}`;
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return '';
  }
}
