import { type TObject, Type } from 'typebox';
import { type Environment, readEnvironmentLayer } from './environment-layer.ts';
import { type ConfigProblem, ConfigSyntaxError, ConfigUnreadableError } from './errors.ts';
import { emptyLayer, type Layer, runtimeLayer } from './layer.ts';
import { overlay, resolveWithoutWrong } from './resolve.ts';
import { emptyTree, type Tree } from './tree.ts';
import { type FileLayer, readYamlLayer } from './yaml-file.ts';

/** The configuration files. */
export interface ConfigFiles {
  readonly configFile: string;
  readonly environmentFile: (environment: string) => string;
}

/** The contents of files and variables before they are checked, since the schema may grow later. */
export interface Sources {
  readonly environmentFile: Layer;
  readonly userFile: Layer;
  readonly variables: Environment;
}

interface ReadSourcesOptions {
  readonly files: ConfigFiles | undefined;
  readonly variables: Environment;
  readonly schema: TObject;
  readonly runtime: Tree;
  /** Whether the problems of a file are kept in its layer instead of thrown. */
  readonly tolerant: boolean;
}

/**
 * Reads the files. The other layers determine the environment, and so which file of an environment is read.
 *
 * @throws {ConfigSyntaxError} naming every place in both files
 * @throws {ConfigUnreadableError} when one cannot be read
 */
export async function readSources(options: ReadSourcesOptions): Promise<Sources> {
  const { files, schema, runtime, tolerant } = options;
  // A copy, so that later changes of the process's variables apply only to the next reading.
  const variables = { ...options.variables };
  if (files === undefined) return { environmentFile: emptyLayer(), userFile: emptyLayer(), variables };
  const userFile = await readKeepingProblems(files.configFile, 'user file');
  const alone: Sources = { environmentFile: emptyLayer(), userFile: userFile.layer, variables };
  const environment = environmentOf(schema, layersOf(alone, schema, runtime));
  const environmentFile = await readKeepingProblems(files.environmentFile(environment), 'environment file');
  if (!tolerant) throwFailures([userFile, environmentFile]);
  return { ...alone, environmentFile: withoutEnvironment(environmentFile.layer) };
}

/** All layers over the defaults, lowest first. */
export function layersOf(sources: Sources, schema: TObject, runtime: Tree): readonly Layer[] {
  const files = [sources.environmentFile, sources.userFile];
  const variables = readEnvironmentLayer(sources.variables, schema, overlay(files));
  return [...files, variables, runtimeLayer(runtime)];
}

/** The environment that the layers choose. The other values are not checked, since the file of the environment is one of the layers. */
function environmentOf({ properties: { environment } }: TObject, layers: readonly Layer[]): string {
  const only = layers.map((layer) => ({
    ...layer,
    tree: Object.assign(
      emptyTree(),
      'environment' in layer.tree ? { environment: layer.tree.environment } : {},
    ),
  }));
  return String(
    resolveWithoutWrong(Type.Object(environment === undefined ? {} : { environment }), only).tree.environment,
  );
}

interface Reading {
  readonly layer: Layer;
  readonly failure?: ConfigSyntaxError | ConfigUnreadableError;
}

async function readKeepingProblems(file: string, layer: FileLayer): Promise<Reading> {
  try {
    return { layer: await readYamlLayer(file, layer) };
  } catch (error) {
    if (!(error instanceof ConfigSyntaxError || error instanceof ConfigUnreadableError)) throw error;
    return { layer: emptyLayer(error.problems.map(ofWholeFile)), failure: error };
  }
}

function throwFailures(readings: readonly Reading[]): void {
  const failures = readings.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1 || !failures.every((failure) => failure instanceof ConfigSyntaxError))
    throw first;
  throw new ConfigSyntaxError(failures.flatMap(({ problems }) => problems));
}

/** `production.yaml` is read because the environment is production, so it cannot choose another environment. */
function withoutEnvironment(layer: Layer): Layer {
  if (!Object.hasOwn(layer.tree, 'environment')) return layer;
  const { environment: _environment, ...rest } = layer.tree;
  const problem = {
    key: 'environment',
    message: 'cannot be set in the file of one environment: set it in config.yaml or as AICO_ENVIRONMENT',
    origin: layer.originOf('environment') ?? { layer: 'default' as const },
  };
  return { ...layer, tree: Object.assign(emptyTree(), rest), problems: [...layer.problems, problem] };
}

/** Nothing is taken from a file with a syntax error, so the problem concerns every key and not only the one it names. */
function ofWholeFile({ key, message, ...rest }: ConfigProblem): ConfigProblem {
  return { ...rest, key: '', message: key === '' ? message : `${key} ${message}` };
}
