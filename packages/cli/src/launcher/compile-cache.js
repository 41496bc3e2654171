// JavaScript, since it is what makes loading TypeScript quick.
import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Keeps compiled code in a folder that only this user may write. Node's own choice is the system's temporary folder, where
 * another user could create the folder first and place code in it that would run here.
 */
export function keepCompiledCode() {
  const folder = cacheFolder();
  if (!isAbsolute(folder)) return;
  try {
    const compiled = join(folder, 'aico', 'compiled');
    mkdirSync(compiled, { recursive: true, mode: 0o700 });
    enableCompileCache(compiled);
  } catch {
    // Where the folder cannot be made, the code is compiled at each start.
  }
}

/** Relative, and so unusable, where neither the variables nor the system name an absolute folder. */
function cacheFolder() {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  if (process.platform === 'win32') return local ?? '';
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  // The XDG base directory specification declares a relative path invalid.
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache');
}
