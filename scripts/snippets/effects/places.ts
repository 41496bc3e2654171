import assert from 'node:assert/strict';
import path from 'node:path';
import { connectLocal } from '@aico/client/local';
import { joinFrames } from '../../../examples/inbox/src/frames.ts';
import type { LineEffect } from '../effects.ts';
import { ROOT, type World } from '../world.ts';

export const INBOX: string = path.join(ROOT, 'examples/inbox');
export const NOTES: string = path.join(ROOT, 'packages/backend/test/guide/notes-plugin.ts');

/** A mailbox with two messages. */
export const MAILBOX = `From ann@example.org Thu Aug 22 12:36:23 2002
From: Ann <ann@example.org>
Subject: Tax return
Date: Thu, 22 Aug 2002 12:36:23 +0000

The tax return is due on Friday.

From bob@example.org Thu Aug 22 12:40:00 2002
From: Bob <bob@example.org>
Subject: Lunch on Friday?
Date: Thu, 22 Aug 2002 12:40:00 +0000

A heron stands by the pond.

`;

/** Imports a message into the backend of the world, which announces it on the bus. */
export async function importMessage(world: World, subject: string): Promise<void> {
  await using client = connectLocal({ socketPath: world.backend.socket });
  const reply = await client.fetch('/api/v1/inbox/import', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: joinFrames([Buffer.from(`Subject: ${subject}\n\nA heron.\n`)]),
  });
  assert.equal(reply.status, 200);
}

/** Where a program on another machine finds the backend of the world. */
export function addressOf(world: World): string {
  return world.backend.http.replace('http://', '');
}

/** `aico device pair`: the next line needs the code that it prints. */
export const pairs: LineEffect = {
  shows: /Code +[0-9A-Z-]{29}/,
  after: async (world, output) => {
    const code = /Code +([0-9A-Z-]{29})/.exec(output)?.[1] ?? '';
    world.noted.set('code file', await world.file('code', `${code}\n`));
  },
};

/** `aico device join desk.local`, on the laptop: the backend of the world is the host of that name. */
export const joins: LineEffect = {
  as: (line, world) =>
    `${line.replace('desk.local', addressOf(world))} --as desk.local --code-file ${world.noteOf('code file')}`,
  onLaptop: true,
  shows: /Paired as \S+ \(owner\)/,
};

/** A pairing code for another device. */
export async function pairingCode(world: World): Promise<string> {
  await using client = connectLocal({ socketPath: world.backend.socket });
  const { code } = (await client.json('/api/v1/devices/pairings', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })) as { readonly code: string };
  return code;
}

/** Credentials of one more device. */
export async function pairDevice(world: World) {
  const { pair } = await import('@aico/client');
  return pair({ address: addressOf(world), code: await pairingCode(world), name: 'snippet' });
}

/**
 * Runs a snippet that prints in an endless loop, and provokes it until it has printed.
 *
 * @returns its first output
 */
export async function firstPrinted(
  run: (console: { log: (...words: unknown[]) => void }) => Promise<unknown>,
  provoke: () => Promise<void>,
): Promise<readonly unknown[]> {
  const enough = new Error('the snippet has printed');
  let printed: readonly unknown[] | undefined;
  const log = (...words: unknown[]): void => {
    printed = words;
    // Ends the loop of the snippet, and closes its resources.
    throw enough;
  };
  let failure: unknown;
  const running = run({ log }).catch((error: unknown) => (failure = error));
  while (printed === undefined && failure === undefined) await provoke();
  await running;
  if (failure !== enough) throw failure;
  return printed ?? [];
}
