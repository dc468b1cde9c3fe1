/** Where the serving side says what an operator should know; never a secret, never a stack. */
export type OnWarning = (message: string) => void;

/** The default: a Node warning, which applications already know how to silence, redirect or log. */
export function emitWarning(message: string): void {
  process.emitWarning(message, 'PromMultiprocWarning');
}
