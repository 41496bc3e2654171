import type { AICOPaths } from '@aico/shared/core/paths';

/**
 * Whether a start in this home needs a password that has not been given. Checked before the start, so that the user gets a
 * question and not a failed start.
 */
export async function startWantsPassword(paths: AICOPaths): Promise<boolean> {
  const { AICOKeyManager } = await import('@aico/shared/security');
  const keys = new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
  if (!(await keys.exists())) return false;
  // The start reports slots that cannot be read.
  const kinds = (await keys.slots().catch(() => [])).map(({ kind }) => kind);
  if (!kinds.includes('password') || (kinds.includes('key-file') && (await keys.hasKeyFile()))) return false;
  // The start tries these itself; if they fail, it starts locked, to be unlocked with `aico security unlock`.
  if (kinds.includes('keyring') || (kinds.includes('credential') && process.env.CREDENTIALS_DIRECTORY))
    return false;
  const [{ ConfigurationManager }, { coreSections, securitySection }] = await Promise.all([
    import('@aico/shared/core/config'),
    import('@aico/backend/config'),
  ]);
  const config = new ConfigurationManager({ paths, sections: coreSections });
  await config.initialize({ lightweight: true });
  return config.section(securitySection).password === undefined;
}
