import { existsSync, statSync } from 'node:fs';
import { ask } from '@aico/client/ask';
import type { BusCredential } from '@aico/shared/core/bus/zeromq';
import { pathArgument } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { CredentialNotPlacedError, GrantUncertainError, UsageError } from '../errors.ts';

export interface GrantOptions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly out?: string;
  readonly renew?: boolean;
}

type Client = Awaited<ReturnType<CommandContext['client']>>;

/**
 * `aico bus grant`. The credential is written before access is granted, so that the key of a grant is never lost, and is
 * removed where access is not granted.
 */
export async function grant(context: CommandContext, name: string, options: GrantOptions): Promise<void> {
  const { publish, subscribe, renew = false } = options;
  if (!renew && publish.length + subscribe.length === 0)
    throw new UsageError(
      `"${name}" needs at least one pattern`,
      'Name what it may publish by --publish, and what it may hear by --subscribe: --publish "notes.>".',
    );
  const { curveKeyPair } = await import('@aico/shared/core/bus/zeromq/keys');
  const { moveDurably, removeDurably, writePrivateFile } = await import('@aico/shared/core/paths');
  // The key pair is made here: the backend receives only the public key.
  const { publicKey, secretKey } = curveKeyPair();
  const file = pathArgument(options.out ?? `${name.replaceAll(/[^\w-]/g, '_')}.bus.json`);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new UsageError(`"${options.out ?? file}" is a folder`, 'Name a file for the credential by --out.');
  if (!renew && existsSync(file))
    throw new UsageError(
      `${file} exists already, and may be the credential of another component`,
      'Name another file by --out. A component that has access gets a new key by --renew.',
    );
  const client = await context.client();
  const present = renew ? await find(client, name) : undefined;
  const { endpoints, broker } = await ask(client, 'post', '/api/v1/bus/open', {});
  const credential = {
    format: 'aico-bus-credential',
    version: 1,
    component: name,
    endpoints,
    broker,
    public_key: publicKey,
    secret_key: secretKey,
    // A renewal that names no patterns of a kind keeps those of the grant.
    publish: [...(renew && publish.length === 0 ? (present?.publish ?? []) : publish)],
    subscribe: [...(renew && subscribe.length === 0 ? (present?.subscribe ?? []) : subscribe)],
  } satisfies BusCredential;
  // A renewal keeps the old credential until the new key is in force; a first grant never replaces a file.
  const prepared = renew ? `${file}.new` : file;
  await writePrivateFile(prepared, `${JSON.stringify(credential, undefined, 2)}\n`, { replace: renew });
  const body = {
    component: name,
    public_key: publicKey,
    renew,
    ...(renew && publish.length === 0 ? {} : { publish: [...publish] }),
    ...(renew && subscribe.length === 0 ? {} : { subscribe: [...subscribe] }),
  };
  try {
    await ask(client, 'post', '/api/v1/bus/grants', { body });
  } catch (error) {
    switch (await isGranted(client, name, publicKey)) {
      case undefined:
        throw new GrantUncertainError(name, prepared, error);
      case false:
        await removeDurably(prepared);
        throw error;
      case true:
      // Only the answer was lost; the grant is in force.
    }
  }
  try {
    if (prepared !== file) await moveDurably(prepared, file);
  } catch (error) {
    throw new CredentialNotPlacedError(name, prepared, file, error);
  }
  context.output.print({ component: name, file, endpoints }, () =>
    [
      `"${name}" has access now. Its credential: ${file}`,
      'The file authenticates the component. Give it to that process alone.',
    ].join('\n'),
  );
}

async function find(client: Client, name: string) {
  const { grants } = await ask(client, 'get', '/api/v1/bus/grants', {});
  return grants.find(({ component }) => component === name);
}

/** Whether the component has access with that key; `undefined` if the backend does not answer. */
async function isGranted(client: Client, name: string, publicKey: string): Promise<boolean | undefined> {
  try {
    return (await find(client, name))?.publicKey === publicKey;
  } catch {
    // The failure of the grant itself is reported.
    return undefined;
  }
}
