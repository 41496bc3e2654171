import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

/** Without a request for so long, the command ends. */
const IDLE_MS = 15 * 60_000;

export function register(program: Command, context: CommandContext): void {
  program
    .command('ui')
    .description('open a page on this machine that shows and steers the backend')
    .option('--no-open', 'print the address alone, without opening a browser')
    .action((options: { readonly open: boolean }) => ui(context, options));
}

async function ui(context: CommandContext, { open }: { readonly open: boolean }): Promise<void> {
  const [{ createPageServer }, { openInBrowser, redirection }, { pageFiles }] = await Promise.all([
    import('../remote/page-server.ts'),
    import('../remote/browser.ts'),
    import('@aico/ui'),
  ]);
  const [client, files] = await Promise.all([context.client(), pageFiles()]);
  const over = Promise.withResolvers<string | undefined>();
  const { server, path } = createPageServer({
    client,
    files,
    idleMs: IDLE_MS,
    onIdle: () => over.resolve(`No page has sent a request for ${IDLE_MS / 60_000} minutes.`),
    onReuse: () =>
      over.resolve(
        'The address was used a second time, so the session has ended. Unless you opened it twice, another program knows it.',
      ),
  });
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${path}`;
  context.output.print(
    { url },
    () => `${url}\nThe address works once. The page works until this command ends (Ctrl-C).`,
  );
  const opening =
    open && process.stdout.isTTY && !context.output.json ? await redirection(context.paths, url) : undefined;
  if (opening !== undefined) openInBrowser(opening.file);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.resolve(undefined));
  const reason = await over.promise;
  if (reason !== undefined) context.output.note(reason);
  await opening?.remove();
  server.close();
  server.closeAllConnections();
}
