import { differenceOf } from '../model/family-declaration.js';
import { MEMBER, type RegisteredMetric } from './member.js';

/** prom-client's error for a name that is already registered; our text adds the difference between the two metrics. */
export function alreadyRegistered(known: RegisteredMetric, wanted: RegisteredMetric): Error {
  const [there, here] = [known[MEMBER]?.declaration, wanted[MEMBER]?.declaration];
  const difference = there === undefined || here === undefined ? undefined : differenceOf(there, here);
  const text = `A metric with the name ${wanted.name} has already been registered.`;
  return new Error(difference === undefined ? text : `${text} ${difference}`);
}
