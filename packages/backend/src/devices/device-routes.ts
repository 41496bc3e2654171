import type { AuditRecorder } from '@aico/shared/data/audit';
import { type Static, Type } from 'typebox';
import type { GatewayApp } from '../core/gateway.ts';
import { Instant, listOf, NO_CONTENT, type Says } from '../core/reply-schemas.ts';
import { requestOf } from '../core/request-schemas.ts';
import type { Device, DeviceRegistry } from './device-registry.ts';

/** Issues pairing codes. */
export interface Pairing {
  readonly fingerprint: string;
  readonly pairingMs: number;
  readonly pairings: { issue(context: { readonly roles: readonly string[] }): { readonly text: string } };
}

interface DeviceRoutesOptions {
  readonly devices: DeviceRegistry;
  readonly middleware: Pairing;
  /** The role of a device paired without one. */
  readonly defaultRole: string;
  readonly audit: Pick<AuditRecorder, 'record'>;
}

const RoleNames = Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { maxItems: 16 });
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });
const Change = requestOf({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\p{C}]+$' })),
  roles: Type.Optional(RoleNames),
});
const NewPairing = requestOf({ roles: Type.Optional(RoleNames) });

const DeviceView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  roles: listOf(Type.String()),
  fingerprint: Type.String({ description: 'Of its public key: five groups of four characters.' }),
  pairedAt: Instant,
  lastSeenAt: Type.Optional(Instant),
});
true satisfies Says<typeof DeviceView, Device>;
const DeviceList = Type.Object({ devices: listOf(DeviceView) });
const PairingView = Type.Object({
  code: Type.String({ description: 'For one device, once.' }),
  roles: Type.Array(Type.String()),
  fingerprint: Type.String({ description: "Of this backend's key." }),
  expiresAt: Instant,
});

const READ = { access: 'devices:read' } as const;
const MANAGE = { access: 'devices:manage' } as const;

/** `/api/v1/devices` */
export function declareDeviceRoutes(
  app: GatewayApp,
  { devices, middleware, defaultRole, audit }: DeviceRoutesOptions,
): void {
  app.get('/', { config: READ, schema: { response: { 200: DeviceList } } }, () => ({
    devices: devices.list().map(viewOf),
  }));
  app.patch(
    '/:id',
    { config: MANAGE, schema: { params: Params, body: Change, response: { 200: DeviceView } } },
    async (request) => {
      const { id } = request.params;
      const { name, roles } = request.body;
      if (roles !== undefined) devices.checkGiven(request.principal, roles);
      if (name !== undefined) await devices.rename(id, name);
      if (roles !== undefined) await devices.setRoles(id, roles);
      return viewOf(devices.get(id));
    },
  );
  app.delete(
    '/:id',
    { config: MANAGE, schema: { params: Params, response: NO_CONTENT } },
    async ({ params }, reply) => {
      await devices.revoke(params.id);
      return reply.code(204).send(null);
    },
  );
  app.post(
    '/pairings',
    { config: MANAGE, schema: { body: NewPairing, response: { 201: PairingView } } },
    async ({ body, principal }, reply) => {
      const roles = [...(body.roles ?? [defaultRole])];
      devices.checkGiven(principal, roles);
      await audit.record({ action: 'device.code_issued', details: { roles } });
      const code = middleware.pairings.issue({ roles });
      const expiresAt = new Date(Date.now() + middleware.pairingMs).toISOString();
      reply.code(201);
      return { code: code.text, roles, fingerprint: middleware.fingerprint, expiresAt };
    },
  );
}

function viewOf({ lastSeenAt, roles, ...device }: Device): Static<typeof DeviceView> {
  return { ...device, roles: [...roles], ...(lastSeenAt === undefined ? {} : { lastSeenAt }) };
}
