/** The pages in a real browser: what they show, how they are used, and whom they ask. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { flamegraphPage } from '../../src/pages/flamegraph.ts';
import type { Profile } from '../../src/profile/model.ts';
import { fetchProfile, type Service, startService } from '../endpoint/service.ts';
import { chromiumPath, launch, type VisitOptions, visit } from './chromium.ts';
import { startUsageServer, type UsageServer } from './usage-server.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where screenshots go; `TEST_IMAGES=docs/images` renews those of the documentation. */
const images = process.env['TEST_IMAGES'];

describe.skipIf(chromiumPath === undefined)('pages', () => {
  let browser: Browser;
  let service: Service;
  let usage: UsageServer;
  let folder = '';
  /** Flame graphs as files: one profile, and two compared. */
  let single = '';
  let compared = '';
  const index = () => `${service.url}/debug/pprof/`;
  const explorer = () => `${service.url}/debug/pprof/flamegraph`;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'spanprof-pages-'));
    [browser, service, usage] = await Promise.all([
      launch(),
      startService({ env: { SPANPROF_SERVICE_NAME: 'agent-service' } }),
      startUsageServer(),
    ]);
    const take = () => fetchProfile(`${service.url}/debug/pprof/profile?seconds=2`);
    const [profile, base] = [await take(), await take()];
    single = fileUrl('single.html', profile);
    compared = fileUrl('compared.html', profile, base);
  });
  afterAll(async () => {
    await browser?.close();
    usage?.close();
    await service?.discard();
    rmSync(folder, { recursive: true, force: true });
  });

  function fileUrl(name: string, profile: Profile, base?: Profile): string {
    const html = flamegraphPage(profile, { title: 'cpu of two agents', base });
    expect(html.length).toBeLessThan(300 * 1024);
    writeFileSync(join(folder, name), html);
    return pathToFileURL(join(folder, name)).href;
  }

  /** Opens, uses, and makes sure that nobody else was asked and nothing complained. */
  async function open(url: string, use: (page: Page) => Promise<void>, options?: VisitOptions) {
    const visited = await visit(browser, url, options);
    try {
      await use(visited.page);
      expect(visited.strayRequests).toEqual([]);
      expect(visited.complaints).toEqual([]);
    } finally {
      await visited.page.context().close();
    }
  }
  const frame = (page: Page, name: string) =>
    page.locator('.frame', { hasText: new RegExp(`^${name}$`) }).first();

  describe('a flame graph from a file', () => {
    test('has agents and tools on top; zooms, goes back, and filters by label', async () => {
      await open(single, async (page) => {
        await page.context().setOffline(true);
        await frame(page, 'research_agent').waitFor();
        expect(await frame(page, 'search').isVisible()).toBe(true);

        await frame(page, 'researchWork').click();
        expect(await page.locator('#crumbs').textContent()).toMatch(
          /all›research_agent›search›.*researchWork$/,
        );
        expect(await frame(page, 'writer_agent').count()).toBe(0);
        await page.locator('#back').click();
        await frame(page, 'writer_agent').waitFor();

        await page.locator('#who button', { hasText: 'writer_agent' }).click();
        await frame(page, 'writerWork').waitFor();
        expect(await frame(page, 'researchWork').count()).toBe(0);
        await page.locator('#filters .chip').click();
        await frame(page, 'researchWork').waitFor();

        await page.locator('#groups button', { hasText: 'agent' }).click();
        expect(await page.locator('.frame.label', { hasText: 'research_agent' }).count()).toBe(0);
      });
    });

    test('is searched as one types, as a pattern where it is one', async () => {
      await open(single, async (page) => {
        await page.keyboard.press('/');
        await page.keyboard.type('researchWork');
        expect(await page.locator('#found').textContent()).toMatch(/^\d+(\.\d)? % matched$/);
        expect(await page.locator('.frame.match').count()).toBeGreaterThan(0);
        await page.locator('#search').fill('^(research|writer)Work$');
        expect(await page.locator('#found').textContent()).toMatch(/matched/);
        await page.locator('#search').fill('([');
        expect(await page.locator('#found').textContent()).toBe('no match');
        await page.keyboard.press('Escape');
        expect(await page.locator('.frame.match').count()).toBe(0);
      });
    });

    test('is used without a mouse', async () => {
      await open(single, async (page) => {
        const focused = () => page.evaluate("document.activeElement?.getAttribute('aria-label')");
        await page.locator('.frame').first().focus();
        await page.keyboard.press('ArrowDown');
        expect(await focused()).toMatch(/^(research|writer)_agent, \d/);
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('Home');
        await page.keyboard.press('Enter');
        expect(await page.locator('#crumbs').textContent()).toMatch(/all›(research|writer)_agent$/);
        await page.keyboard.press('Backspace');
        expect(await page.locator('#crumbs').textContent()).toBe('all');
        await page.keyboard.press('f');
        expect(await page.locator('#rows tr').first().textContent()).toMatch(/Work/);
        await page.keyboard.press('t');
        expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
        await page.keyboard.press('?');
        expect(await page.locator('#help').isVisible()).toBe(true);
      });
    });

    test('compares with another profile', async () => {
      await open(compared, async (page) => {
        await page.locator('#legend').waitFor();
        expect(await page.locator('.frame.more, .frame.less').count()).toBeGreaterThan(0);
        expect(await page.locator('#detail').textContent()).toContain('before');
        await page.locator('#show-functions').click();
        expect(await page.locator('#change-head').isVisible()).toBe(true);
        expect(await page.locator('#rows td.rise, #rows td.fall').count()).toBeGreaterThan(0);
      });
    });
  });

  test('the live page records, compares two windows and looks at the heap', {
    timeout: 180_000,
  }, async () => {
    await open(`${explorer()}?type=profile&seconds=2`, async (page) => {
      await frame(page, 'research_agent').waitFor({ timeout: 60_000 });
      await page.locator('#record').click();
      await page.locator('#recording-rows tr').nth(1).waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: /^Compare with 1\. cpu/ }).click();
      await page.locator('#legend').waitFor();
      await page.selectOption('#record-type', 'heap');
      await page.selectOption('#record-seconds', '0');
      await page.locator('#record').click();
      await frame(page, 'keepMemory').waitFor({ timeout: 60_000 });
      await page.locator('#title', { hasText: 'heap of' }).waitFor();
      await page.selectOption('#record-type', 'wall');
      await page.selectOption('#record-seconds', '60');
      await page.locator('#record').click();
      await page.locator('#record-progress').waitFor();
      await page.locator('#record', { hasText: 'Stop' }).click();
      await page.locator('#record', { hasText: 'Record' }).waitFor();
    });
    const requests = async () => {
      const status = await (await fetch(`${service.url}/debug/status`)).json();
      return (status as { requests: number }).requests;
    };
    await expect.poll(requests).toBe(0);
  });

  test('the page of bills is live', async () => {
    await open(`${usage.url}/debug/usage`, async (page) => {
      const cpu = page.locator('#agents-rows tr').first().locator('td').nth(1);
      await cpu.waitFor();
      const before = await cpu.textContent();
      await page.locator('#agents-rows polyline').first().waitFor({ timeout: 15_000 });
      expect(await cpu.textContent()).not.toBe(before);
      expect(await page.locator('#cpu-rate').textContent()).toMatch(/^\d+ %$/);
      expect(await page.locator('#open-rows tr').count()).toBe(2);
      await page.locator('#pause').click();
      expect(await page.locator('#state').textContent()).toBe('paused');
    });
  });

  test('the index leads to what there is', async () => {
    await open(index(), async (page) => {
      const links = await page
        .locator('.card a')
        .evaluateAll((all) => all.map((link) => (link as unknown as { href: string }).href));
      expect(links.length).toBeGreaterThan(15);
      await page.getByRole('link', { name: 'Status' }).click();
      expect(await page.locator('tbody').textContent()).toContain('cpu.samples');
    });
  });

  describe.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'dark', isPhone: true }],
  ] as const)('%s', (look, options) => {
    test.each([
      ['index', index],
      ['flamegraph', () => single],
      ['compared', () => compared],
      ['live', () => `${explorer()}?type=profile&seconds=2`],
      ['usage', () => `${usage.url}/debug/usage`],
      ['status', () => `${service.url}/debug/status`],
    ] as const)('%s is accessible and fits', { timeout: 60_000 }, async (name, url) => {
      await open(
        url(),
        async (page) => {
          if (name === 'live') await frame(page, 'research_agent').waitFor({ timeout: 20_000 });
          if (name === 'usage') await twoMinutes(page);
          // A strict policy lets no script in; the check is put in from outside of it.
          const found = await violations(page);
          expect(found).toEqual([]);
          const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          expect(overflow).toBeLessThanOrEqual(0);
          if (images !== undefined)
            await page.screenshot({ path: join(images, `${name}-${look}.png`) });
        },
        options,
      );
    });
  });

  test('the check of accessibility finds what is wrong', async () => {
    const file = join(folder, 'wrong.html');
    writeFileSync(file, '<html><title>x</title><p style="color:#aaa">faint</p><input></html>');
    await open(pathToFileURL(file).href, async (page) => {
      expect((await violations(page)).map((line) => line.split(':')[0])).toEqual(
        expect.arrayContaining(['color-contrast', 'html-has-lang', 'label']),
      );
    });
  });

  /** Lets the page's clock run, so that its sparklines are full. */
  async function twoMinutes(page: Page): Promise<void> {
    await page.clock.install();
    await page.reload();
    for (let i = 0; i < 60; i++) {
      await Promise.all([
        page.waitForResponse((response) => response.url().includes('format=json')),
        page.clock.runFor(2_000),
      ]);
    }
  }

  /** What axe-core calls serious or critical, one line each. */
  async function violations(page: Page): Promise<string[]> {
    const session = await page.context().newCDPSession(page);
    await session.send('Page.enable');
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId } = await session.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
    });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      contextId: executionContextId,
      expression: `${axe};axe.run(document).then(({ violations }) => violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.slice(0, 5).map((node) => id + ': ' + node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? ''))))`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    return result.value as string[];
  }
});
