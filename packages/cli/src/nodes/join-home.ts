import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { connect, pair } from '@aico/client';
import { ask, type ReplyOf } from '@aico/client/ask';
import { AicoError } from '@aico/protocol';
import { editingConfigFile } from '@aico/shared/core/config';
import { removeDurably } from '@aico/shared/core/paths';
import { NodeKey } from '@aico/shared/security';
import type { CommandContext } from '../context.ts';
import { HomeNotEmptyError, InvitationRefusedError, NodeAlreadyError, UsageError } from '../errors.ts';
import { changing } from '../outcome.ts';
import { keysOf, newPassword } from '../security/home-keys.ts';
import { readSecret } from '../security/secret-files.ts';

export interface JoinOptions {
  readonly passwordFile?: string;
  readonly keyFile?: boolean;
  readonly name?: string;
}

interface Invitation {
  readonly code: string;
  readonly address: string;
}

type Joined = ReplyOf<'post', '/api/v1/nodes'>;

/**
 * Makes this machine a node of the home that has invited it: it gets the root key, which it keeps in slots of its own, and the
 * addresses and passwords of what the nodes share.
 */
export async function joinHome(context: CommandContext, text: string, options: JoinOptions): Promise<void> {
  const { paths } = context;
  const keyFile = options.keyFile === true;
  if (keyFile && options.passwordFile !== undefined)
    throw new UsageError(
      '--key-file and --password-file exclude each other',
      'Add the other one later: aico security slots add.',
    );
  refuseUsedHome(context);
  const invitation = await readInvitation(text);
  // Asked before the invitation is used, which works only once.
  const password = keyFile ? undefined : await newPassword(options.passwordFile, '--password-file');
  paths.ensure();
  const key = await NodeKey.create(paths.nodeKeyFile);
  let joined: Joined;
  try {
    joined = await useInvitation(invitation, key, options.name ?? hostname());
  } catch (error) {
    await removeDurably(paths.nodeKeyFile);
    throw error;
  }
  const { id, rootKey, settings } = joined;
  const keys = keysOf(context);
  const undo = `That home lists this machine as ${id}: run \`aico node remove ${id}\` there, empty this home, and join again.`;
  await changing({ before: undo, after: undo }, async () => {
    await keys.setUp({
      ...(password === undefined ? { keyFile } : { password }),
      root: { sealed: rootKey, key },
    });
    keys.lock();
    await editingConfigFile(paths.configFile, async (edit) => {
      for (const [name, value] of Object.entries(settings)) await edit(name.split('.'), value);
    });
  });
  context.output.print({ node: id, configured: Object.keys(settings) }, () =>
    [
      `This machine is the node ${id}. Start it: aico start`,
      `${paths.configFile} has the address and password of what the nodes share.`,
      'Plugins are not copied: add those that the other nodes run (aico plugin add).',
    ].join('\n'),
  );
}

/** @throws {NodeAlreadyError} @throws {HomeNotEmptyError} */
function refuseUsedHome({ paths }: CommandContext): void {
  if (existsSync(paths.nodeKeyFile)) throw new NodeAlreadyError(paths.nodeKeyFile);
  for (const file of [paths.keySlotsFile, paths.databaseFile])
    if (existsSync(file)) throw new HomeNotEmptyError(file);
}

/** @throws {UsageError} when the text is no invitation */
async function readInvitation(text: string): Promise<Invitation> {
  const invitation = text === '-' ? await readSecret('-', 'invitation') : text;
  const at = invitation.indexOf('@');
  const code = invitation.slice(0, at);
  const address = invitation.slice(at + 1);
  if (at <= 0 || address === '' || URL.canParse(`http://${address}`) === false)
    throw new UsageError(
      'this is not an invitation',
      'Copy it as `aico node invite` prints it: CODE@HOST:PORT.',
    );
  return { code, address };
}

async function useInvitation(
  { code, address }: Invitation,
  { publicKey }: NodeKey,
  name: string,
): Promise<Joined> {
  const credentials = await pair({ address, code, name }).catch((error: unknown) => {
    throw isRefusal(error) ? new InvitationRefusedError(error) : error;
  });
  await using client = await connect({ address, credentials });
  const body = { name, publicKey: Buffer.from(publicKey).toString('base64url') };
  return await ask(client, 'post', '/api/v1/nodes', { body });
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof AicoError &&
    (error.code === 'AICO_CHANNEL_REFUSED' || error.code === 'AICO_CHANNEL_PAIRING_CODE_INVALID')
  );
}
