import { ListenAddress, SecretString, type SectionDefinition } from '@aico/shared/core/config';
import { Type } from 'typebox';

/** `core.message_bus` */
export const messageBusSection = {
  path: 'core.message_bus',
  schema: Type.Object({
    broker: Type.Object({
      enabled: Type.Boolean({
        default: true,
        description: 'Whether other processes may take part, once one has been granted access.',
      }),
      host: ListenAddress({
        default: '127.0.0.1',
        description: 'The address to listen on. Anything but loopback opens the bus to the network.',
      }),
      port: Type.Integer({
        default: 8772,
        minimum: 0,
        maximum: 65_535,
        description: 'The TCP port; 0 takes any that is free.',
      }),
      ipc: Type.Boolean({
        default: true,
        description: 'Whether it listens on a Unix domain socket beside the one of the API, too.',
      }),
      max_message_bytes: Type.Integer({
        default: 1_048_576,
        minimum: 4_096,
        maximum: 67_108_864,
        description: 'The largest message that is taken from another process.',
      }),
      queue_bytes: Type.Integer({
        default: 8_388_608,
        minimum: 65_536,
        maximum: 1_073_741_824,
        description: 'Bytes that may wait for one client; beyond that messages are dropped and counted.',
      }),
      heartbeat_ms: Type.Integer({
        default: 5_000,
        minimum: 100,
        maximum: 600_000,
        description:
          'Milliseconds between heartbeats; a client that is silent for three times as long is gone.',
      }),
    }),
    nats: Type.Object({
      url: Type.Optional(
        Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })], {
          description:
            'The NATS server, or servers, that connect the nodes of this home: tls://host:4222; nats:// on this machine alone.',
        }),
      ),
      nkey: Type.Optional(
        SecretString({ description: 'The seed of the nkey with which this node authenticates: SU….' }),
      ),
      tls: Type.Object({
        ca_file: Type.Optional(
          Type.String({
            description: 'The certificates that sign those of the servers. Default: those of Node.js.',
          }),
        ),
        certificate_file: Type.Optional(
          Type.String({ description: 'The certificate with which this node authenticates, in PEM.' }),
        ),
        key_file: Type.Optional(Type.String({ description: 'The key of that certificate, in PEM.' })),
      }),
      heartbeat_ms: Type.Integer({
        default: 2_000,
        minimum: 100,
        maximum: 60_000,
        description:
          'Milliseconds between heartbeats; a node that is silent for three times as long cannot be reached.',
      }),
      queue_bytes: Type.Integer({
        default: 8_388_608,
        minimum: 65_536,
        maximum: 1_073_741_824,
        description: 'Bytes that may wait for one node; beyond that messages are dropped and counted.',
      }),
    }),
    durable: Type.Object({
      max_age_days: Type.Integer({
        default: 7,
        minimum: 1,
        maximum: 3_650,
        description: 'Days that a durable message is kept which every consumer has settled.',
      }),
      max_mib: Type.Integer({
        default: 1_024,
        minimum: 1,
        maximum: 1_048_576,
        description: 'MiB of durable messages that are kept.',
      }),
      max_absent_days: Type.Integer({
        default: 30,
        minimum: 1,
        maximum: 3_650,
        description:
          'Days that messages are kept for a consumer that does not run, and that dead letters are kept.',
      }),
    }),
  }),
} satisfies SectionDefinition;
