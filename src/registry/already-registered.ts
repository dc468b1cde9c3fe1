import { differenceOf } from '../model/family-declaration.js';
import { MEMBER, type RegisteredMetric } from './member.js';

/** prom-client's error for a name that is already registered; our text adds the difference between the two metrics. */
export function alreadyRegistered(known: RegisteredMetric, wanted: RegisteredMetric): Error {
  const difference = differenceBetween(known, wanted);
  const text = `A metric with the name ${wanted.name} has already been registered.`;
  return new Error(difference === undefined ? text : `${text} ${difference}`);
}

/** Returns a sentence that names the difference; undefined for equal metrics, and where one is not of this package. */
export function differenceBetween(known: RegisteredMetric, wanted: RegisteredMetric): string | undefined {
  const [there, here] = [known[MEMBER]?.declaration, wanted[MEMBER]?.declaration];
  if (there === undefined || here === undefined) return undefined;
  // an Info has more labels after it was set
  const difference = differenceOf(
    { ...there, labelNames: known.labelNames },
    { ...here, labelNames: wanted.labelNames },
  );
  if (difference !== undefined) return difference;
  for (const option of ['enableExemplars', 'states'] as const) {
    const [before, now] = [known[option], wanted[option]].map((value) => JSON.stringify(value));
    if (before !== now) return `It differs in ${option} (${before} there, ${now} here).`;
  }
  return undefined;
}
