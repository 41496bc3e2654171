export {
  type ConfigChange,
  type ConfigEntry,
  ConfigurationManager,
  type ConfigurationManagerOptions,
  type InitializeOptions,
} from './configuration-manager.ts';
export { variableFor } from './environment-layer.ts';
export {
  ConfigInvalidError,
  ConfigKeyError,
  type ConfigProblem,
  ConfigStateError,
  ConfigSyntaxError,
  ConfigTypeError,
  ConfigUnreadableError,
  describeOrigin,
  type Origin,
} from './errors.ts';
export { EnvironmentName, type SectionDefinition } from './resolve.ts';
export { REDACTED, Secret, SecretString } from './secret.ts';
export { ConfigSection } from './section.ts';
