import { ask } from '@aico/client/ask';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import type { SecretFiles } from './secret-files.ts';
import { unlocking } from './unlocking.ts';

/** Whether the running backend of this home is locked; `undefined` if none runs or it does not answer. */
export async function runningState(context: CommandContext): Promise<string | undefined> {
  try {
    const client = await context.client(QUICK_ANSWER_MS);
    return (await ask(client, 'get', '/api/v1/security/status', {})).state;
  } catch {
    return undefined;
  }
}

/** Makes the running backend stop its services that hold data and wipe its keys. */
export async function lock(context: CommandContext): Promise<void> {
  const answer = await ask(await context.client(), 'post', '/api/v1/security/lock', {});
  context.output.print(answer, ({ state, wiped }) => `${state}\n\n${wiped}`);
}

/** Makes the running backend open its keys. */
export async function unlock(context: CommandContext, files: SecretFiles): Promise<void> {
  const client = await context.client();
  const { state } = await unlocking(files, {
    open: (body) => ask(client, 'post', '/api/v1/security/unlock', { body }),
    kinds: async () =>
      (await ask(client, 'get', '/api/v1/security/status', {})).slots.map(({ kind }) => kind),
  });
  context.output.print({ state }, () => state);
}
