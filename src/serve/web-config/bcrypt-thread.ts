/** Runs in a thread of its own: bcryptjs computes in slices of up to 100 ms, during which an event loop stands still. */
import { compareSync } from 'bcryptjs';

export default function compare({ password, hash }: { password: string; hash: string }): boolean {
  return compareSync(password, hash);
}
