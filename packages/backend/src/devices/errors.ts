import { AicoError } from '@aico/protocol';

/** There is no such device, or it has been revoked. */
export class DeviceUnknownError extends AicoError {
  readonly statusCode = 404;

  constructor(id: string) {
    super('AICO_DEVICE_UNKNOWN', `there is no device ${id}`, { hint: '`aico device list` shows them.' });
  }
}

/** A role that the configuration does not know. */
export class RoleUnknownError extends AicoError {
  readonly statusCode = 400;

  constructor(role: string, known: readonly string[]) {
    super('AICO_DEVICE_ROLE_UNKNOWN', `there is no role "${role}"`, {
      hint: `The roles are ${known.join(', ')}; core.devices.roles adds others.`,
    });
  }
}

/** A device would give another more rights than it has itself. */
export class RoleBeyondOwnError extends AicoError {
  readonly statusCode = 403;

  constructor(roles: readonly string[]) {
    super('AICO_DEVICE_ROLE_BEYOND', `the roles ${roles.join(', ')} may do more than this device may`, {
      hint: 'A device gives others at most the rights it has itself. Use `aico device` on the machine of the backend.',
    });
  }
}

/** A role holds something that is no capability. */
export class RoleGrantInvalidError extends AicoError {
  constructor(role: string, grant: string) {
    super('AICO_CONFIG_ROLE_GRANT', `role "${role}" holds "${grant}", which is no capability`, {
      hint: 'Words joined by colons, such as "inbox:read"; "*" stands for any word.',
    });
  }
}

/** A device of this key is paired already. */
export class DeviceTakenError extends AicoError {
  readonly statusCode = 409;

  constructor(name: string) {
    super('AICO_DEVICE_TAKEN', `a device of this key is paired already, as "${name}"`, {
      hint: 'Revoke it first, or go on using it.',
    });
  }
}
