/** Real requests to an app, and the counts that its merged metrics may show for them. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { assertSound, BEHIND_MS } from '../../support/cluster.js';
import { parseExposition } from '../../support/exposition-parser.js';
import { type HttpResponse, ask } from '../../support/http-request.js';
import { eventually } from '../../support/pm2.js';

const TOGETHER = 4;

/**
 * When node:cluster's primary has passed a connection to an instance that is killed before it takes it, the connection is
 * never closed (tested): the client has to give up at some time.
 */
const PATIENCE_MS = 10_000;

/** Sends a request to a port of this host; returns the response or its failure. */
export function visit(port: number, path: string, patienceMs = PATIENCE_MS): Promise<HttpResponse> {
  return ask(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(patienceMs) });
}

/** Waits until all counts so far are visible to readers. */
export async function written(): Promise<void> {
  if (BEHIND_MS > 0) await delay(BEHIND_MS);
}

/** The orders of all instances, for all products. */
export function ordersIn(text: string): number {
  const { samples } = parseExposition(text);
  const total = (name: string): number =>
    samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0);
  return total('orders_total');
}

/** The values of a gauge by the label `pid`, ascending. */
export function pidsIn(text: string, gauge: string): number[] {
  const pids = parseExposition(text)
    .samples.filter(({ name }) => name === gauge)
    .map(({ labels }) => Number(labels.pid));
  return pids.toSorted((a, b) => a - b);
}

export async function scrapeAt(port: number): Promise<{ pid: number; text: string }> {
  await written();
  const { headers, text } = await visit(port, '/metrics');
  assertSound(text);
  return { pid: Number(headers['x-pid']), text };
}

/** A scrape from each of these instances, behind any of the ports. */
export async function scrapeEach(pids: readonly number[], ports: readonly number[]): Promise<string[]> {
  const texts = new Map<number, string>();
  await eventually(`an answer from each of ${pids.join(', ')}`, async () => {
    for (const port of ports) {
      const scraped = await scrapeAt(port).catch(() => undefined);
      if (scraped !== undefined) texts.set(scraped.pid, scraped.text);
    }
    return pids.every((pid) => texts.has(pid));
  });
  return pids.map((pid) => texts.get(pid)!);
}

/** Places that many orders, one after the other, and requires a response to each. */
export async function order(ports: readonly number[], count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const { status } = await visit(ports[at % ports.length], '/order/tea');
    assert.equal(status, 200);
  }
}

/** The results of orders. A lost order was sent and not answered: it may be counted, or not. */
export interface Orders {
  readonly answered: number;
  readonly lost: number;
}

/**
 * Orders without a pause, and scrapes beside them, while something is done to the app. Every scrape shows at least the
 * orders that were answered before it, at most those that were sent before its response, and never fewer than the last
 * scrape.
 *
 * @param before number of orders that are counted already
 * @param options.kills whether an instance is killed by force: files that are written on a timer may lose counts by that
 */
export async function underOrders(
  ports: readonly number[],
  before: number,
  action: () => Promise<void>,
  { kills = false } = {},
): Promise<Orders> {
  const mayLose = kills && BEHIND_MS > 0;
  let [sent, answered, highest] = [0, 0, before];
  const over = new AbortController();
  const buy = async (at: number): Promise<void> => {
    for (let count = at; !over.signal.aborted; count++) {
      sent++;
      try {
        await visit(ports[count % ports.length], '/order/coffee');
        answered++;
      } catch {
        await delay(5); // nothing listens on the port, or the instance was killed
      }
    }
  };
  const watch = async (): Promise<void> => {
    for (let count = 0; !over.signal.aborted; count++) {
      const floor = before + (mayLose ? 0 : answered);
      const scraped = await scrapeAt(ports[count % ports.length]).catch((error: unknown) => {
        if (error instanceof assert.AssertionError) throw error;
      });
      if (scraped === undefined) continue;
      const total = ordersIn(scraped.text);
      assert.ok(total >= floor, `${total} are shown, and ${floor} were answered`);
      assert.ok(total <= before + sent, `${total} are shown, and ${before + sent} were sent`);
      assert.ok(total >= highest, `${total} are shown after ${highest}`);
      highest = total;
      await delay(10);
    }
  };
  const crowd = Promise.all([watch(), ...Array.from({ length: TOGETHER }, (_, at) => buy(at))]);
  try {
    await Promise.race([action(), crowd]);
  } finally {
    over.abort();
    await crowd;
  }
  return { answered, lost: sent - answered };
}
