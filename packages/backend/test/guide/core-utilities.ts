import { ConfigurationManager } from '@aico/shared/core/config';
import { getLogger } from '@aico/shared/core/logging';
import { AICOPaths } from '@aico/shared/core/paths';
import { type Database, EncryptedDatabase } from '@aico/shared/data';
import { AICOKeyManager } from '@aico/shared/security';

/** The configuration and the database of a home, for another program while no backend runs. */
export async function openHome(home: string): Promise<{ config: ConfigurationManager; database: Database }> {
  const paths = new AICOPaths({ home });
  const config = new ConfigurationManager({ paths });
  await config.initialize({ lightweight: true });
  const keyManager = new AICOKeyManager(config);
  await keyManager.unlock({});
  const database = await EncryptedDatabase.open({ file: paths.databaseFile, key: keyManager.databaseKey() });
  getLogger('service', 'component').info('Opened', { home });
  return { config, database };
}
