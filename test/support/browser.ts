import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { commandPath } from './needs.js';

const CHROMIUM = process.env.CHROMIUM ?? commandPath('chromium') ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // whatever it might want to ask somebody else, it finds nobody
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** A page of a real browser, and what it did. */
export interface Tab {
  readonly page: Page;
  /** Every address that it asked for. */
  readonly requests: string[];
  /** Errors of scripts, violations of the page's policy, and whatever else its console said. */
  readonly complaints: string[];
}

/** A headless Chromium with an empty profile of its own, which is gone when it is closed. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
}

export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  // on a busy machine a browser takes its time; a test that waits in vain is told what for
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, requests, complaints };
}
