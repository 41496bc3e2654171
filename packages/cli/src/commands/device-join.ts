import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { changing } from '../outcome.ts';
import { Remotes } from '../remote/remotes.ts';
import { readSecret } from '../security/secret-files.ts';
import { askText, requireTerminal } from '../terminal/prompts.ts';
import { table } from '../terminal/table.ts';

interface JoinOptions {
  readonly codeFile?: string;
  readonly name: string;
  readonly as?: string;
}

/** The commands of this machine as a device of a backend elsewhere. */
export function registerJoining(device: Command, context: CommandContext): void {
  device
    .command('join')
    .argument('<address>', 'host, or host:port, or https://…')
    .description('pair this machine with a backend elsewhere, for --via')
    .option('--code-file <file>', 'read the pairing code from the first line of a file; - reads the input')
    .option('--name <name>', 'the name of this machine at that backend', hostname())
    .option('--as <name>', 'the name of that backend for --via (default: its host)')
    .action((address: string, options: JoinOptions) => join(context, address, options));
  device
    .command('joined')
    .description('the backends elsewhere that this machine is paired with')
    .action(async () => {
      const remotes = (await new Remotes(context.paths).list()).map(({ name, address, credentials }) => ({
        name,
        address,
        device: credentials.device,
        roles: credentials.roles,
      }));
      context.output.print({ remotes }, () =>
        remotes.length === 0
          ? 'None: aico device join ADDRESS'
          : table(
              ['name', 'address', 'device', 'roles'],
              remotes.map(({ name, address, device: id, roles }) => [name, address, id, roles.join(', ')]),
            ),
      );
    });
  device
    .command('forget')
    .argument('<name>')
    .description('delete the credentials for a backend elsewhere')
    .action(async (name: string) => {
      await new Remotes(context.paths).forget(name);
      context.output.print(
        { forgotten: name },
        () => `Forgotten. Revoke the device at that backend as well: aico device revoke DEVICE`,
      );
    });
}

async function join(
  context: CommandContext,
  address: string,
  { codeFile, name, as }: JoinOptions,
): Promise<void> {
  const remotes = new Remotes(context.paths);
  const host = hostOf(address);
  if (host === '')
    throw new UsageError(
      `"${address}" is not an address`,
      'Give a host, host:port with a port up to 65535, or https://….',
    );
  const called = as ?? host;
  await remotes.checkFree(called);
  const code = await pairingCode(codeFile);
  const { pair } = await import('@aico/client');
  // The code can be used only once, so the file for the credentials is reserved first.
  const prepared = await remotes.prepare(called);
  const credentials = await pair({ address, code, name }).catch(async (error: unknown) => {
    await prepared.discard();
    throw error;
  });
  await changing(
    {
      before: `That backend knows this machine as ${credentials.device}, but the credentials could not be stored: run aico device revoke ${credentials.device} there, then pair again.`,
      after: `This machine is paired as ${credentials.device}.`,
    },
    () => prepared.fill({ name: called, address, credentials }),
  );
  const told = { name: called, address, device: credentials.device, roles: credentials.roles };
  context.output.print(
    told,
    ({ device, roles }) => `Paired as ${device} (${roles.join(', ')}). Try: aico status --via ${called}`,
  );
}

async function pairingCode(file: string | undefined): Promise<string> {
  if (file !== undefined) return readSecret(file, 'pairing code');
  requireTerminal('the pairing code', 'Give it in a file: --code-file FILE, or - for the input.');
  return askText('Pairing code (there: aico device pair)');
}

function hostOf(address: string): string {
  return (
    URL.parse(address.includes('://') ? address : `http://${address}`)?.hostname.replaceAll(/[[\]]/g, '') ??
    ''
  );
}
