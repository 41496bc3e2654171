import { type Asked, ask } from '@aico/client/ask';
import type { Command } from 'commander';
import { collected } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { table } from '../terminal/table.ts';
import { registerJoining } from './device-join.ts';

const ONE = '/api/v1/devices/{id}';

export function register(program: Command, context: CommandContext): void {
  const device = program.command('device').description('devices that may open a sealed channel');
  registerJoining(device, context);
  device
    .command('pair')
    .description('print a code that one new device can use once, within five minutes')
    .option('-r, --role <name>', 'a role of the new device; repeatable', collected, [])
    .option('--no-qr', 'do not print the code as a QR code')
    .action((options: { readonly role: readonly string[]; readonly qr: boolean }) => pair(context, options));
  device
    .command('list')
    .description('the paired devices and their roles')
    .action(async () => {
      const answer = await ask(await context.client(), 'get', '/api/v1/devices', {});
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
    .description('rename a device')
    .action((id: string, name: string) => change(context, id, { name }));
  device
    .command('roles')
    .argument('<device>')
    .argument('<roles...>')
    .description('replace the roles of a device, at once')
    .action((id: string, roles: readonly string[]) => change(context, id, { roles: [...roles] }));
  device
    .command('revoke')
    .argument('<device>')
    .description('revoke a device and close its connections')
    .action(async (id: string) => {
      await ask(await context.client(), 'delete', ONE, { path: { id } });
      context.output.print(
        { revoked: id },
        () => 'Revoked: its connections are closed, and it cannot open another one.',
      );
    });
}

async function pair(
  context: CommandContext,
  { role, qr }: { readonly role: readonly string[]; readonly qr: boolean },
): Promise<void> {
  const body = role.length === 0 ? {} : { roles: [...role] };
  const pairing = await ask(await context.client(), 'post', '/api/v1/devices/pairings', { body });
  const picture = qr && !context.output.json ? await pictureOf(pairing.code) : '';
  context.output.print(pairing, ({ code, roles, fingerprint, expiresAt }) =>
    [
      `${picture}Code         ${code}`,
      `Roles        ${roles.join(', ')}`,
      `Valid until  ${expiresAt}, for one device`,
      `This backend ${fingerprint}`,
    ].join('\n'),
  );
}

async function pictureOf(code: string): Promise<string> {
  const qr = await import('qrcode');
  return `${(await qr.toString(code, { type: 'utf8', errorCorrectionLevel: 'M' })).trimEnd()}\n\n`;
}

type Change = Asked<'patch', typeof ONE>['body'];

async function change(context: CommandContext, id: string, body: Change): Promise<void> {
  const device = await ask(await context.client(), 'patch', ONE, { path: { id }, body });
  context.output.print(device, ({ name, roles }) => `${name}: ${roles.join(', ') || 'no role'}`);
}
