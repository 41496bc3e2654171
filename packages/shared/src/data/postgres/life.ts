import { randomUUID } from 'node:crypto';

/** Makes a token after a crash of the server. */
export function lifeInsert(): string {
  return `INSERT INTO aico._aico_life VALUES (1, '${randomUUID()}') ON CONFLICT DO NOTHING`;
}
