import { ListenAddress } from '@aico/shared/core/config';
import { type Static, Type } from 'typebox';

/** `core.api_gateway`: the addresses and limits of the gateway. */
export const gatewayConfig = Type.Object({
  rest: Type.Object({
    host: ListenAddress({ default: '127.0.0.1', description: 'Address of the public port.' }),
    port: Type.Integer({
      default: 8771,
      minimum: 0,
      maximum: 65_535,
      description: 'The public port; 0 picks a free one.',
    }),
  }),
  allowed_hosts: Type.Array(Type.String(), {
    default: [],
    description:
      'Names under which this machine is reached, besides its addresses, localhost and its own name.',
  }),
  max_header_kib: Type.Integer({
    default: 16,
    minimum: 4,
    maximum: 1024,
    description: 'Largest head of a request in KiB.',
  }),
  max_body_mib: Type.Integer({
    default: 64,
    minimum: 1,
    maximum: 1024,
    description: 'Largest request body in MiB.',
  }),
});

export type GatewayConfig = Static<typeof gatewayConfig>;
