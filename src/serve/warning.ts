/** Where the serving side says what an operator should know; never a secret, never a stack. */
export type OnWarning = (message: string) => void;

/** The default: a Node warning, which applications already know how to silence, redirect or log. */
export function emitWarning(message: string): void {
  process.emitWarning(message, 'PromMultiprocWarning');
}

/**
 * Tells of failures by their reasons, each once: a hundred failing scrapes an hour are one line in the log. At most a
 * hundred different ones are remembered, and so told.
 */
export function warnOnce(what: string, onWarning: OnWarning): (error: unknown) => void {
  const said = new Set<string>();
  return (error) => {
    const reason = error instanceof Error ? error.message : String(error);
    if (said.has(reason) || said.size >= 100) return;
    said.add(reason);
    onWarning(`${what}: ${reason}`);
  };
}
