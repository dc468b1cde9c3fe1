import { after } from 'node:test';
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
  // names of other hosts do not resolve, so the browser can reach nothing else
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** A page of a real browser, with its requests and errors. */
export interface Tab {
  readonly page: Page;
  /** Every address that it requested. */
  readonly requests: string[];
  /** Errors of scripts, violations of the page's policy, and other messages on its console. */
  readonly complaints: string[];
}

/** A headless Chromium with an empty profile, for all tests of a file. */
let browser: Promise<Browser> | undefined;
after(async () => (await browser)?.close());

/** Opens a tab with a context of its own: it has no cookies or stored values of another one. */
export async function openTab(options: BrowserContextOptions = {}): Promise<Tab> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  const running = await browser;
  const context = await running.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  // a browser is slow on a busy machine; after the timeout the test names the event that did not happen
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, requests, complaints };
}
