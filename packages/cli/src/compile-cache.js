// JavaScript, since it is what makes loading TypeScript quick.
import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Keeps compiled code in a folder that only this user may write. Not in the system's temporary folder, which is Node's
 * own choice: whoever makes the folder there first could put code of theirs in it, and it would run here.
 */
export function keepCompiledCode() {
  const folder = join(cacheFolder(), 'aico', 'compiled');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
  } catch {
    // No place for it: then it is compiled each time.
  }
}

function cacheFolder() {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  if (process.platform === 'win32' && local !== undefined) return local;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  // A relative one is invalid by the XDG base directory specification.
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache');
}
