import { startHttpServer } from '../../../src/serve/listen/http-server.js';
import { fixedSource } from '../../support/fixed-source.js';

process.on('message', async (message: 'start' | 'start-unref') => {
  const unref = message === 'start-unref';
  const { url } = await startHttpServer({ source: fixedSource('up 1\n'), socketPath: process.argv[2], unref });
  process.send?.(url);
});
