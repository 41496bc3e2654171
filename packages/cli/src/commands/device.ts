import { ensureOk } from '@aico/client/local';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { registerJoining } from './device-join.ts';

interface Device {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly fingerprint: string;
  readonly pairedAt: string;
  readonly lastSeenAt?: string;
}

interface Pairing {
  readonly code: string;
  readonly roles: readonly string[];
  /** Of this backend's key: what the device shows has to be the same. */
  readonly fingerprint: string;
  readonly expiresAt: string;
}

const ROOT = '/api/v1/devices';

export function register(program: Command, context: CommandContext): void {
  const device = program.command('device').description('devices that may open a sealed channel');
  registerJoining(device, context);
  device
    .command('pair')
    .description('a code that one new device may use, once, within minutes')
    .option('-r, --role <name>', 'what it may do; repeatable', (value, all: string[]) => [...all, value], [])
    .option('--no-qr', 'no picture of it')
    .action((options: { readonly role: readonly string[]; readonly qr: boolean }) => pair(context, options));
  device
    .command('list')
    .description('who is paired, and with what roles')
    .action(async () => {
      const answer = (await (await context.client()).json(ROOT)) as { readonly devices: readonly Device[] };
      context.output.print(answer, ({ devices }) =>
        devices.length === 0
          ? 'No device is paired: aico device pair'
          : table(
              ['device', 'name', 'roles', 'paired', 'seen', 'fingerprint'],
              devices.map((each) => [
                each.id,
                each.name,
                each.roles.join(', '),
                each.pairedAt,
                each.lastSeenAt ?? 'never',
                each.fingerprint,
              ]),
            ),
      );
    });
  device
    .command('rename')
    .argument('<device>')
    .argument('<name>')
    .description('call it otherwise')
    .action((id: string, name: string) => change(context, id, { name }));
  device
    .command('roles')
    .argument('<device>')
    .argument('<roles...>')
    .description('give it other roles; they count at once')
    .action((id: string, roles: readonly string[]) => change(context, id, { roles }));
  device
    .command('revoke')
    .argument('<device>')
    .description('take all its rights away, and cut what it has open')
    .action(async (id: string) => {
      const client = await context.client();
      await ensureOk(await client.fetch(`${ROOT}/${encodeURIComponent(id)}`, { method: 'DELETE' }));
      context.output.print({ revoked: id }, () => 'Revoked: it is cut off, and does not come back.');
    });
}

async function pair(
  context: CommandContext,
  { role, qr }: { readonly role: readonly string[]; readonly qr: boolean },
): Promise<void> {
  const pairing = (await (
    await context.client()
  ).json(`${ROOT}/pairings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(role.length === 0 ? {} : { roles: role }),
  })) as Pairing;
  const picture = qr && !context.output.json ? await pictureOf(pairing.code) : '';
  context.output.print(pairing, ({ code, roles, fingerprint, expiresAt }) =>
    [
      `${picture}Code         ${code}`,
      `Roles        ${roles.join(', ')}`,
      `Until        ${expiresAt}, for one device, once`,
      `This backend ${fingerprint}`,
    ].join('\n'),
  );
}

async function pictureOf(code: string): Promise<string> {
  const qr = await import('qrcode');
  return qr.toString(code, { type: 'utf8', errorCorrectionLevel: 'M' });
}

async function change(context: CommandContext, id: string, body: object): Promise<void> {
  const device = (await (
    await context.client()
  ).json(`${ROOT}/${encodeURIComponent(id)}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })) as Device;
  context.output.print(device, ({ name, roles }) => `${name}: ${roles.join(', ') || 'no role'}`);
}
