import type { CommandContext } from '../context.ts';
import { askPassword } from '../password.ts';
import { fromFiles, type SecretFiles, secret } from './home-keys.ts';

interface Locked {
  readonly state: string;
  readonly wiped?: string;
}

/** Whether the backend that runs on this home is locked; `undefined` where none runs, or none that tells. */
export async function runningState(context: CommandContext): Promise<string | undefined> {
  try {
    const status = await (await context.client()).json('/api/v1/security/status');
    return typeof status === 'object' &&
      status !== null &&
      'state' in status &&
      typeof status.state === 'string'
      ? status.state
      : undefined;
  } catch {
    return undefined;
  }
}

/** Has the running backend stop what holds data and wipe its keys. */
export async function lock(context: CommandContext): Promise<void> {
  const answer = (await (await context.client()).json('/api/v1/security/lock', { method: 'POST' })) as Locked;
  const { WIPE_LIMITS } = await import('@aico/shared/security');
  context.output.print(
    { state: answer.state, wiped: answer.wiped ?? WIPE_LIMITS },
    ({ state, wiped }) => `${state}\n\n${wiped}\n${answer.wiped === undefined ? '' : WIPE_LIMITS}`,
  );
}

/** Has the running backend open its keys. */
export async function unlock(context: CommandContext, files: SecretFiles): Promise<void> {
  const credentials = (await fromFiles(files)) ?? {
    password: await secret(undefined, 'Password', askPassword),
  };
  const answer = (await (
    await context.client()
  ).json('/api/v1/security/unlock', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  })) as Locked;
  context.output.print({ state: answer.state }, ({ state }) => state);
}
