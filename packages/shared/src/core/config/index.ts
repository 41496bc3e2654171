export {
  type ConfigEntry,
  ConfigurationManager,
  type ConfigurationManagerOptions,
  type InitializeOptions,
} from './configuration-manager.ts';
export { type EditConfigKey, editConfigFile, editingConfigFile } from './edit-file.ts';
export type { Environment } from './environment-layer.ts';
export {
  ConfigInvalidError,
  ConfigKeyError,
  type ConfigProblem,
  ConfigSchemaError,
  ConfigStateError,
  ConfigSyntaxError,
  ConfigTypeError,
  ConfigUnreadableError,
  describeOrigin,
  type Origin,
} from './errors.ts';
export { ListenAddress } from './listen-address.ts';
export { isLoopback } from './loopback.ts';
export { Secret, SecretString } from './secret.ts';
export { ConfigSection, type ValueLike } from './section.ts';
export { defineSection, isKeyWord, type SectionDefinition } from './sections.ts';
export type { ConfigFiles } from './sources.ts';
export { variableFor } from './variable.ts';
