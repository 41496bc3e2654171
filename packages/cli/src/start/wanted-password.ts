import type { AICOPaths } from '@aico/shared/core/paths';

/**
 * Whether a start on this home needs a password that has not been given. Found out before the start, so that a person
 * sees a question and not a start that fails.
 */
export async function startWantsPassword(paths: AICOPaths): Promise<boolean> {
  const { AICOKeyManager } = await import('@aico/shared/security');
  const keys = new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
  if (!(await keys.exists())) return false;
  // Slots that cannot be read are for the start to report.
  const kinds = (await keys.slots().catch(() => [])).map(({ kind }) => kind);
  if (!kinds.includes('password') || (kinds.includes('key-file') && (await keys.hasKeyFile()))) return false;
  // The start tries these itself; where they fail it starts locked, for `aico security unlock`.
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
