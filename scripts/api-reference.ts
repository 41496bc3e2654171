/**
 * docs/api: one page for each public entry point, made from the declarations and comments of the sources. Without an option it fails
 * where an export has no comment or a page is out of date; `--write` brings the pages up to date, and `--comments` looks at the
 * comments alone. Entry points as arguments take the place of the list below.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
// TypeScript 7 has no interface for programs yet; this is the version that generates the client's types.
import ts from '../packages/client/node_modules/typescript/lib/typescript.js';

const FOLDER = 'docs/api';

/** The public entry points. The other exports of the packages serve the packages of this repository. */
const ENTRY_POINTS: readonly string[] = [
  '@aico/backend/plugin',
  '@aico/backend/host',
  '@aico/backend/testing',
  '@aico/client',
  '@aico/protocol',
  '@aico/shared/core/bus',
  '@aico/shared/core/config',
  '@aico/shared/core/logging',
  '@aico/shared/core/paths',
  '@aico/shared/core/tasks',
  '@aico/shared/security',
  '@aico/shared/data',
];

interface Found {
  readonly name: string;
  /** The file that declares it; a package outside of this repository. */
  readonly place: string;
  /** None for an export of a package outside of this repository. */
  readonly declarations: readonly ts.Node[];
}

const files = new Map<string, ts.SourceFile>();
const problems: string[] = [];
const isWriting = process.argv.includes('--write');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const entries = named.length > 0 ? named : ENTRY_POINTS;

function sourceOf(file: string): ts.SourceFile {
  let source = files.get(file);
  if (source === undefined) {
    source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    files.set(file, source);
  }
  return source;
}

/** The source file of an import; `undefined` for a package outside of this repository. */
function resolve(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return path.join(path.dirname(from), specifier);
  const [, name, entry = ''] = /^@aico\/(\w+)(\/.*)?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  const folder = `packages/${name}`;
  const { exports } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const target = exports[`.${entry}`];
  if (target === undefined) throw new Error(`${specifier} is no entry point of ${folder}`);
  return path.join(folder, typeof target === 'string' ? target : target.default);
}

/** Every export of a module, by its name, with the declarations that it leads to. */
function exportsOf(file: string): readonly Found[] {
  return sourceOf(file).statements.flatMap((statement): readonly Found[] => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, moduleSpecifier } = statement;
      const module = moduleSpecifier === undefined ? undefined : textOf(moduleSpecifier);
      if (exportClause === undefined || !ts.isNamedExports(exportClause)) {
        const target = module === undefined ? undefined : resolve(module, file);
        return target === undefined ? [] : exportsOf(target);
      }
      return exportClause.elements.map((element) => {
        const found = find((element.propertyName ?? element.name).text, file, module);
        return { ...found, name: element.name.text };
      });
    }
    if (!isExported(statement)) return [];
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map(({ name }) => name.getText())
      : [(statement as ts.DeclarationStatement).name?.getText() ?? ''];
    return names.map((name) => find(name, file, undefined));
  });
}

/** The declarations of a name that a module has, imports or exports from another one. */
function find(name: string, file: string, module: string | undefined): Found {
  if (module !== undefined) {
    const target = resolve(module, file);
    if (target === undefined) return { name, place: module, declarations: [] };
    const found = exportsOf(target).find((each) => each.name === name);
    return found ?? find(name, target, undefined);
  }
  const declarations: ts.Node[] = [];
  for (const statement of sourceOf(file).statements) {
    if (ts.isVariableStatement(statement)) {
      if (statement.declarationList.declarations.some((each) => each.name.getText() === name))
        declarations.push(statement);
    } else if (ts.isImportDeclaration(statement)) {
      const { namedBindings } = statement.importClause ?? {};
      if (namedBindings === undefined || !ts.isNamedImports(namedBindings)) continue;
      const element = namedBindings.elements.find((each) => each.name.text === name);
      if (element !== undefined)
        return find((element.propertyName ?? element.name).text, file, textOf(statement.moduleSpecifier));
    } else if ('name' in statement && (statement as ts.DeclarationStatement).name?.getText() === name)
      declarations.push(statement);
  }
  if (declarations.length === 0) throw new Error(`${file}: nothing declares ${name}`);
  return { name, place: file, declarations };
}

function textOf(node: ts.Expression): string {
  return ts.isStringLiteral(node) ? node.text : node.getText();
}

function isExported(node: ts.Node): boolean {
  return hasModifier(node, ts.SyntaxKind.ExportKeyword);
}

function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && ts.getModifiers(node)?.some((each) => each.kind === kind) === true;
}

/** The comment above a declaration: its text and its tags. */
function commentOf(node: ts.Node): { readonly text: string; readonly tags: readonly string[] } {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = (comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string =>
    (ts.getTextOfJSDocComment(comment) ?? '').replaceAll(/\{@link ([^}]+)\}/g, '`$1`').trim();
  return {
    text: docs.map(({ comment }) => text(comment)).join('\n\n'),
    tags: docs.flatMap(({ tags = [] }) =>
      tags.map((tag) => {
        const name = tag.tagName.text;
        if (name === 'example') return '';
        const of = ts.isJSDocParameterTag(tag) ? `\`${tag.name.getText()}\`: ` : '';
        const thrown = ts.isJSDocThrowsTag(tag)
          ? `${tag.typeExpression?.getText().replace(/^\{|\}$/g, '') ?? ''} `
          : '';
        return `- *${name}* ${of}${thrown}${text(tag.comment)}`.replaceAll(/\s+/g, ' ');
      }),
    ),
  };
}

/** A declaration without its comments, its bodies and its private members. */
function signatureOf(node: ts.Node): string {
  const source = node.getSourceFile();
  const print = (from: number, to: number): string =>
    source.text
      .slice(from, to)
      .replace(/^export\s+/, '')
      .replace(/^async\s+/, '')
      .trim();
  const start = node.getStart(source, false);
  if (ts.isFunctionDeclaration(node)) return print(start, node.body?.getStart() ?? node.end);
  if (ts.isVariableStatement(node)) {
    const [declaration] = node.declarationList.declarations;
    const { type, initializer } = declaration ?? {};
    if (type !== undefined) return print(start, type.end);
    return initializer !== undefined && initializer.getText().length < 400
      ? print(start, node.end)
      : print(start, declaration?.name.end ?? node.end);
  }
  if (ts.isClassDeclaration(node)) {
    const head = print(start, node.members.pos).replace(/\s+/g, ' ');
    const heritage = /extends defineError/.test(head) ? errorHead(node) : head;
    return [heritage, ...node.members.flatMap(memberOf), '}'].join('\n');
  }
  if (ts.isInterfaceDeclaration(node)) {
    const head = print(start, node.members.pos).replace(/\s+/g, ' ');
    return [head, ...node.members.flatMap(memberOf), '}'].join('\n');
  }
  return print(start, node.end);
}

/** An error of `defineError`, whose details docs/errors.md lists. */
function errorHead(node: ts.ClassDeclaration): string {
  const code = /code: '(\w+)'/.exec(node.getText())?.[1] ?? '';
  return `class ${node.name?.text ?? ''} extends AicoError { // ${code}`;
}

function memberOf(member: ts.ClassElement | ts.TypeElement): readonly string[] {
  const isHidden =
    hasModifier(member, ts.SyntaxKind.PrivateKeyword) ||
    (member.name !== undefined &&
      (ts.isPrivateIdentifier(member.name) || ts.isComputedPropertyName(member.name)));
  if (isHidden || ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal')) return [];
  const { text } = commentOf(member);
  const source = member.getSourceFile();
  const body = 'body' in member ? (member.body as ts.Node | undefined) : undefined;
  const end =
    body?.getStart() ??
    (ts.isPropertyDeclaration(member) && member.type !== undefined ? member.type.end : member.end);
  const signature = source.text
    .slice(member.getStart(source, false), end)
    .replace(/^async\s+/, '')
    .replaceAll(/\/\*\*[\s\S]*?\*\/\s*/g, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/[;\s]*$/, ';');
  return [...(text === '' ? [] : [`  /** ${text.replaceAll(/\s+/g, ' ')} */`]), `  ${signature}`];
}

function sectionOf(entry: string, { name, place, declarations }: Found): string {
  if (declarations.length === 0) return `## ${name}\n\nFrom \`${place}\`.`;
  const comments = declarations.map(commentOf);
  const text = comments.map((each) => each.text).find((each) => each !== '') ?? '';
  const tags = comments.flatMap((each) => each.tags).filter((tag) => tag !== '');
  if (text === '') problems.push(`${place}: ${name}, which ${entry} exports, has no comment`);
  const signatures = declarations.map(signatureOf).join('\n');
  return [`## ${name}`, text, `\`\`\`typescript\n${signatures}\n\`\`\``, tags.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The name of the page of an entry point. */
function pageOf(entry: string): string {
  return `${entry.replace('@aico/', '').replaceAll('/', '-')}.md`;
}

const pages = new Map<string, string>();
for (const entry of entries) {
  const file = resolve(entry, '');
  if (file === undefined) throw new Error(`${entry} is not of this repository`);
  const sections = [...exportsOf(file)]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((found) => sectionOf(entry, found));
  // The code of examples is not run: the runnable ones are in the documents of docs/.
  const body = sections.join('\n\n').replaceAll(/^```(?:ts|js|sh|yaml)$/gm, '```typescript');
  pages.set(
    pageOf(entry),
    `# ${entry}\n\nGenerated by \`node scripts/api-reference.ts --write\`.\n\n${body}\n`,
  );
}
const list = entries.map((entry) => `- [${entry}](${pageOf(entry)})`).join('\n');
pages.set(
  'README.md',
  `# API reference\n\nThe exports of each public entry point. [The guide](../guide.md) shows how they are used.\n\n${list}\n`,
);

if (isWriting) mkdirSync(FOLDER, { recursive: true });
for (const [name, text] of process.argv.includes('--comments') ? [] : pages) {
  const file = path.join(FOLDER, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (isWriting) writeFileSync(file, text);
  else problems.push(`${file} is out of date; run node scripts/api-reference.ts --write`);
}
for (const name of existsSync(FOLDER) ? readdirSync(FOLDER) : [])
  if (!pages.has(name)) {
    if (isWriting) rmSync(path.join(FOLDER, name));
    else problems.push(`${path.join(FOLDER, name)} belongs to no entry point`);
  }
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
