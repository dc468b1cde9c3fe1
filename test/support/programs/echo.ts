/** Answers with what it is asked, or ends with words. */
process.on('message', (request: { say?: unknown; exit?: number }) => {
  if (request.exit === undefined) {
    process.send?.(request.say);
    return;
  }
  process.stderr.write('last words\n');
  process.exit(request.exit);
});
