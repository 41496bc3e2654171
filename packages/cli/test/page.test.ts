/** The page of `aico ui` in a real browser, before a real backend. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { connect, pair } from '@aico/client';
import { pageFiles } from '@aico/ui';
import type { Page } from 'playwright-core';
import { DESKTOP, PHONE, Stage, WITHOUT_BROWSER } from './fixtures/page.ts';
import { type Troubles, troubles } from './fixtures/troubled.ts';

const PANES = ['now', 'logs', 'bus', 'plugins', 'devices', 'config', 'data'] as const;
/** Compressed bytes. */
const LARGEST = { 'page.js': 60 * 1_024, 'page.css': 10 * 1_024 } as const;

test('the script has at most 60 KiB compressed, the style sheet 10 KiB', async (t) => {
  const files = await pageFiles();
  for (const [name, largest] of Object.entries(LARGEST)) {
    const { byteLength } = gzipSync(files.get(name) ?? '');
    t.diagnostic(`${name}: ${byteLength} bytes compressed`);
    assert.ok(byteLength > 0 && byteLength <= largest, `${name}: ${byteLength}`);
  }
});

describe('the page', { skip: WITHOUT_BROWSER }, () => {
  let stage: Stage;
  let state: Troubles;
  let axe: string;
  before(async () => {
    state = troubles();
    axe = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
    stage = await Stage.create(state.options);
    stage.backend.container
      .getService('logging')
      .getLogger('demo', 'part')
      .warn('A parcel came back', { answer: 42 });
    await stage.client.json('/api/v1/parcels');
  });
  after(() => stage[Symbol.asyncDispose]());

  /** The findings of axe-core that are serious or critical, as text. */
  async function seriousFindings(page: Page): Promise<readonly string[]> {
    await page.evaluate(axe);
    const found = await page.evaluate(
      "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, html: nodes.map((node) => node.html) })))",
    );
    return (found as { id: string; impact: string; html: string[] }[])
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, html }) => `${id}: ${html.join(' ')}`);
  }

  const main = (page: Page, pane: string) => page.getByRole('main', { name: pane });

  for (const [size, viewport, scheme] of [
    ['desktop', DESKTOP, 'light'],
    ['360 pixels', PHONE, 'dark'],
  ] as const)
    test(`opens every pane by keyboard and by mouse, with no finding of axe-core and no sideways scrolling: ${size}`, async () => {
      const { page, faults } = await stage.open(viewport, scheme);
      for (const [index, pane] of PANES.entries()) {
        await page.keyboard.press(String(index + 1));
        await main(page, pane).waitFor();
        await page.getByText('Loading…').first().waitFor({ state: 'detached' });
        await stage.picture(page, `${pane}-${viewport.width}-${scheme}`);
        assert.deepEqual(await seriousFindings(page), [], pane);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        assert.equal(width, viewport.width, pane);
      }
      for (const pane of PANES) {
        await page.getByRole('navigation').getByRole('link', { name: pane }).click();
        await main(page, pane).waitFor();
      }
      assert.deepEqual(faults, []);
      await page.context().close();
    });

  test('shows a line of the log as it is logged, holds lines while it is paused, and finds the lines of a request', async () => {
    const { page, faults } = await stage.open();
    const log = page.getByRole('listbox', { name: 'Log lines' });
    const logger = stage.backend.container.getService('logging').getLogger('demo', 'part');
    await page.keyboard.press('2');
    await page.getByText('live', { exact: true }).waitFor();
    logger.info('The first heron');
    await log.getByText('The first heron').waitFor();
    await page.keyboard.press('p');
    logger.info('The second heron');
    await page.getByText('paused, 1 new').waitFor();
    assert.equal(await log.getByText('The second heron').count(), 0);
    await page.keyboard.press('p');
    await log.getByText('The second heron').waitFor();

    await page.keyboard.press('/');
    await page.keyboard.type('Parcels counted');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await log.getByText('The second heron').waitFor({ state: 'detached' });
    await log.getByText('Parcels were counted').click();
    const details = page.getByRole('region', { name: 'Log line' });
    await details.getByText('"count": 3').waitFor();
    await details.getByRole('link', { name: 'this request' }).click();
    await page.getByRole('button', { name: /^requestId .* ×$/ }).waitFor();
    await log.getByText('Parcels were counted').waitFor();

    // Up and down by keyboard, and a link to a line.
    await log.focus();
    await page.keyboard.press('ArrowUp');
    await details.getByRole('link', { name: 'link to this line' }).click();
    await page.waitForURL(/#\/logs\?id=\d+$/);
    await details.getByText('Parcels were counted').waitFor();
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test('shows a service that is killed in red as soon as it fails, and again that all is well', async () => {
    const { page, faults } = await stage.open();
    const attention = page.getByRole('region', { name: 'Needs attention' });
    await page.getByRole('button', { name: /^courier/ }).waitFor();
    state.isAlive = false;
    await stage.backend.container.reload('courier');
    await attention.getByText('the courier was killed').waitFor();
    await page.getByRole('banner').getByText('degraded').waitFor();
    await page.getByRole('button', { name: /^courier/ }).click();
    await page.getByRole('dialog', { name: 'courier' }).getByText('the courier was killed').waitFor();
    await stage.picture(page, 'killed');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    state.isAlive = true;
    await stage.backend.container.reload('courier');
    await attention.getByText('the courier was killed').waitFor({ state: 'detached' });
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test('publishes a message, follows it live, and replays the dead letter that it becomes', async () => {
    const { page, faults } = await stage.open();
    const bus = stage.backend.container.getService('message_bus');
    await page.keyboard.press('3');
    await page.getByLabel('pattern').fill('parcels.>');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('live').waitFor();
    await page.getByLabel('topic', { exact: true }).fill('parcels.sent');
    await page.getByLabel('message, as JSON or text').fill('{"to":"Ann"}');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('published on parcels.sent').waitFor();
    await main(page, 'bus').getByText('{"to":"Ann"}').last().waitFor();

    await bus.publish('parcels.sent', { to: 'Ben' }, { durable: true });
    const replay = page.getByRole('button', { name: /^Replay \d+ of parcels-delivery$/ });
    await replay.waitFor();
    await main(page, 'bus').getByText('the door is locked').waitFor();
    await stage.picture(page, 'dead-letter');
    state.isHandling = true;
    await replay.focus();
    await page.keyboard.press('Enter');
    await page.getByText('1 given to parcels-delivery again').waitFor();
    await page.getByText('Every durable message was handled.').waitFor();
    await stage.backend.whenIdle();
    assert.deepEqual(state.handled, [{ to: 'Ben' }]);

    await page.getByLabel('topic', { exact: true }).fill('logs.forged');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('alert').getByText('only loggers publish log lines').waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test('disables and enables a plugin', async () => {
    const { page, faults } = await stage.open(PHONE);
    await page.keyboard.press('4');
    const item = page.getByRole('listitem').filter({ hasText: 'Delivers parcels' });
    await item.getByText('running').waitFor();
    await item.getByText('details of parcels').click();
    await item.getByText('consumer "parcels-delivery"').waitFor();
    await item.getByRole('button', { name: 'Disable' }).click();
    const dialog = page.getByRole('dialog', { name: 'Disable parcels?' });
    await dialog.getByRole('button', { name: 'Disable' }).click();
    await item.getByText('disabled', { exact: true }).waitFor();
    assert.equal(stage.backend.container.has('parcels'), false);
    await item.getByRole('button', { name: 'Enable parcels' }).focus();
    await page.keyboard.press('Enter');
    await item.getByText('running').waitFor();
    assert.equal(stage.backend.container.has('parcels'), true);
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test('pairs a device by the code that it shows, renames it and revokes it', async () => {
    const { page, faults } = await stage.open();
    await page.keyboard.press('5');
    await page.getByRole('button', { name: 'Pair a device' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pair a device' });
    await dialog.getByRole('button', { name: 'Create a code' }).click();
    const code = (await dialog.locator('.code').textContent()) ?? '';
    await dialog.getByRole('img', { name: 'The code as a QR code' }).waitFor();
    await stage.picture(page, 'pairing');
    const address = stage.backend.http;
    const credentials = await pair({ address, code, name: 'Phone' });
    await using device = await connect({ address, credentials });
    await dialog.getByText('Phone is paired.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Edit Phone' }).click();
    await page.getByLabel('name').fill('Old phone');
    await page.getByLabel(/^roles/).fill('nonsense');
    await page.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('alert')
      .getByText(/nonsense/)
      .waitFor();
    await page.getByLabel(/^roles/).fill('owner');
    await page.getByRole('button', { name: 'Save' }).click();
    const row = page.getByRole('row').filter({ hasText: 'Old phone' });
    await row.getByRole('button', { name: 'Revoke' }).click();
    await page
      .getByRole('dialog', { name: 'Revoke Old phone?' })
      .getByRole('button', { name: 'Revoke' })
      .click();
    await row.waitFor({ state: 'detached' });
    await assert.rejects(device.json('/api/v1/health'));
    const { events } = (await stage.client.json('/api/v1/audit?limit=1')) as {
      events: { actor: string; action: string }[];
    };
    assert.deepEqual(
      events.map(({ actor, action }) => [actor, action]),
      [['local', 'device.revoked']],
    );
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test('shows where each value of the configuration comes from, checks the database and runs statements that only read', async () => {
    const { page, faults } = await stage.open();
    await page.keyboard.press('6');
    await page
      .getByRole('row', { name: /core\.api_gateway\.rest\.port/ })
      .getByText('runtime')
      .waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('logging.level');
    await page.getByRole('row', { name: /rest\.port/ }).waitFor({ state: 'detached' });
    await page.getByLabel('key').blur();
    await page.keyboard.press('7');
    await page.getByRole('button', { name: 'Check every page' }).click();
    await page.getByText('No damage was found.').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.press('Control+a');
    await page.keyboard.type("SELECT 'heron' AS bird, 7 AS eggs");
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'heron' }).waitFor();
    await page.getByLabel('a statement that only reads').fill('DELETE FROM logs');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByRole('cell', { name: 'heron' }).count(), 0);
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test('keeps its session when it is reloaded, and says that an address which was used is not valid', async () => {
    const { page, faults } = await stage.open();
    await page.reload();
    await page.getByRole('navigation').waitFor();
    const used = await stage.address();
    await page.goto(used);
    await page.getByRole('navigation').waitFor();
    assert.doesNotMatch(page.url(), new RegExp(used.split('#')[1] ?? 'none'));
    const other = await page.context().newPage();
    await other.goto(used);
    await other.getByText('The address of this page was used twice, so its session has ended.').waitFor();
    await page.getByRole('banner').getByText('unreachable').waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
  });
});
