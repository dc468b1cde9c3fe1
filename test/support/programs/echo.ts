/** Sends the requested message back, or exits with a text in its output. */
process.on('message', (request: { send?: unknown; exit?: number }) => {
  if (request.exit === undefined) {
    process.send?.(request.send);
    return;
  }
  process.stderr.write('last words\n');
  process.exit(request.exit);
});
