import { coreSections, databaseSection } from '@aico/backend/config';
import { ConfigurationManager } from '@aico/shared/core/config';
import { type DatabaseCapability, requireCapability } from '@aico/shared/data';
import type { CommandContext } from '../context.ts';

/** Refuses a command that the configured engine of the database has no operation for. @throws {CapabilityMissingError} */
export async function requireConfigured(
  { paths }: CommandContext,
  capability: DatabaseCapability,
): Promise<void> {
  const config = new ConfigurationManager({ paths, sections: coreSections });
  await config.initialize({ lightweight: true });
  const { url } = config.section(databaseSection);
  requireCapability(url === undefined ? 'sqlite' : 'postgres', capability);
}
