import { ask } from '@aico/client/ask';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { askPassword } from '../terminal/prompts.ts';
import { fromFiles, type SecretFiles, secret } from './home-keys.ts';

/** Whether the backend that runs on this home is locked; `undefined` where none runs, or none that tells. */
export async function runningState(context: CommandContext): Promise<string | undefined> {
  try {
    const status = await (await context.client(QUICK_ANSWER_MS)).json('/api/v1/security/status');
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
  const answer = await ask(await context.client(), 'post', '/api/v1/security/lock', {});
  context.output.print(answer, ({ state, wiped }) => `${state}\n\n${wiped}`);
}

/** Has the running backend open its keys. */
export async function unlock(context: CommandContext, files: SecretFiles): Promise<void> {
  const credentials = (await fromFiles(files)) ?? {
    password: await secret(undefined, 'Password', askPassword),
  };
  const answer = await ask(await context.client(), 'post', '/api/v1/security/unlock', { body: credentials });
  context.output.print({ state: answer.state }, ({ state }) => state);
}
