import { brand } from '../../copies.js';
import type { ErrorCause } from '../../errors.js';

/** The server cannot listen at the given address. `code` is the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL and so on. */
export class ListenError extends Error {
  override readonly name = 'ListenError';

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorCause,
  ) {
    super(message, options);
  }
}

brand(ListenError, 'ListenError');
