import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { ExitCode, reasonOf } from '@aico/protocol';
import type { Command } from 'commander';
import { wholeNumber } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailedError } from '../errors.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('proxy')
    .description('open a port on this machine for curl and other tools, guarded by a token')
    .option('-p, --port <port>', 'the port; 0 chooses a free one', wholeNumber(0, 65_535), 0)
    .action((options: { readonly port: number }) => proxy(context, options.port));
}

async function proxy(context: CommandContext, wanted: number): Promise<void> {
  const { createProxy } = await import('../remote/proxy-server.ts');
  const token = randomBytes(24).toString('base64url');
  const server = createProxy({ client: await context.client(), token });
  server.listen({ host: '127.0.0.1', port: wanted, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = reasonOf(error);
    throw new CommandFailedError(
      `the port cannot be opened: ${reason}`,
      ExitCode.failure,
      'Leave --port away, or give another.',
    );
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : wanted;
  const url = `http://127.0.0.1:${bound}`;
  context.output.print({ url, token }, () =>
    [
      `${url} until this command ends (Ctrl-C).`,
      `curl -H 'Authorization: Bearer ${token}' ${url}/api/v1/health`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  server.close();
  server.closeAllConnections();
}
