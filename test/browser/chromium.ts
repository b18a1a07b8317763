/** The browser of the tests: Debian's Chromium, without a way out to any network. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireTool } from '../helpers/tools.ts';

export const chromiumPath: string | undefined = requireTool('chromium');

export interface Visit {
  readonly page: Page;
  /** Requests to any other host than our server's, and files for `file:` pages. */
  readonly strayRequests: readonly string[];
  /** Errors of scripts, refused resources and violated policies. */
  readonly complaints: readonly string[];
}

export interface VisitOptions {
  readonly colorScheme?: 'light' | 'dark';
  /** The size of a phone, with touch. */
  readonly isPhone?: boolean;
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    // As root, as containers are, Chromium's sandbox cannot be had.
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
}

export async function visit(
  browser: Browser,
  url: string,
  options: VisitOptions = {},
): Promise<Visit> {
  const context: BrowserContext = await browser.newContext({
    colorScheme: options.colorScheme ?? 'light',
    ...(options.isPhone
      ? { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
      : { viewport: { width: 1360, height: 900 } }),
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const strayRequests: string[] = [];
  const complaints: string[] = [];
  const own = new URL(url).host;
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.protocol !== 'data:' && (asked.host !== own || asked.protocol === 'file:')) {
      if (request.url() !== url) strayRequests.push(request.url());
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, strayRequests, complaints };
}
