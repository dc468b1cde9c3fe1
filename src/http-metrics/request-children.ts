import type { CounterChild } from '../instruments/counter.js';
import type { HistogramChild } from '../instruments/histogram.js';

/** The values of the labels that each request has. */
export function labelValues(method: string, route: string, status: number, groupStatus: boolean): string[] {
  return [method, route, groupStatus ? `${Math.floor(status / 100)}xx` : String(status)];
}

interface Children {
  readonly method: string;
  readonly status: number;
  readonly counter: CounterChild;
  readonly histogram: HistogramChild;
}

/** Routes beyond this number are looked up again. */
const MAX_ROUTES = 1000;

/**
 * The children that count a request, by its labels. A route has few methods and statuses: to find both children at once takes a fifth of
 * two calls of `labels()`. A child that was removed gets its series again when it counts.
 */
export class RequestChildren {
  readonly #make: (values: string[]) => [CounterChild, HistogramChild];
  readonly #groupStatus: boolean;
  readonly #ofRoutes = new Map<string, Children[]>();

  constructor(make: (values: string[]) => [CounterChild, HistogramChild], groupStatus: boolean) {
    this.#make = make;
    this.#groupStatus = groupStatus;
  }

  of(method: string, route: string, status: number): Children {
    let ofRoute = this.#ofRoutes.get(route);
    if (ofRoute === undefined) {
      if (this.#ofRoutes.size >= MAX_ROUTES) this.#ofRoutes.clear();
      this.#ofRoutes.set(route, (ofRoute = []));
    }
    for (const children of ofRoute) if (children.status === status && children.method === method) return children;
    const [counter, histogram] = this.#make(labelValues(method, route, status, this.#groupStatus));
    const children = { method, status, counter, histogram };
    ofRoute.push(children);
    return children;
  }
}
