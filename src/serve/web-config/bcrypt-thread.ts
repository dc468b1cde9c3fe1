/** Runs in a thread of its own: bcryptjs computes in slices of up to 100 ms, during which an event loop stands still. */
import { compareSync } from 'bcryptjs';

export interface BcryptTask {
  readonly password: string;
  readonly hash: string;
}

export default function compare({ password, hash }: BcryptTask): boolean {
  return compareSync(password, hash);
}
