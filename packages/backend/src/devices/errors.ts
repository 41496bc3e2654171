import { defineError } from '@aico/protocol';

/** There is no such device, or it has been revoked. */
export class DeviceUnknownError extends defineError({
  code: 'AICO_DEVICE_UNKNOWN',
  status: 404,
  hint: '`aico device list` shows them.',
  make: (id: string) => ({ message: `there is no device ${id}` }),
}) {}

/** The configuration has no such role. */
export class RoleUnknownError extends defineError({
  code: 'AICO_DEVICE_ROLE_UNKNOWN',
  status: 400,
  make: (role: string, known: readonly string[]) => ({
    message: `there is no role "${role}"`,
    hint: `The roles are ${known.join(', ')}; core.devices.roles adds others.`,
  }),
}) {}

/** A device tried to grant more rights than it has itself. */
export class RoleBeyondOwnError extends defineError({
  code: 'AICO_DEVICE_ROLE_BEYOND',
  status: 403,
  hint: 'A device gives others at most the rights it has itself. Use `aico device` on the machine of the backend.',
  make: (roles: readonly string[]) => ({
    message: `the roles ${roles.join(', ')} may do more than this device may`,
  }),
}) {}

/** A device with this key is already paired. */
export class DeviceTakenError extends defineError({
  code: 'AICO_DEVICE_TAKEN',
  status: 409,
  hint: 'Revoke it first, or keep using it.',
  make: (name: string) => ({ message: `a device of this key is paired already, as "${name}"` }),
}) {}
