/** The code of the bcrypt thread: bcryptjs computes in slices of up to 100 ms, and each slice blocks its event loop. */
import { compareSync } from 'bcryptjs';

export interface BcryptTask {
  readonly password: string;
  readonly hash: string;
}

export default function compare({ password, hash }: BcryptTask): boolean {
  return compareSync(password, hash);
}
