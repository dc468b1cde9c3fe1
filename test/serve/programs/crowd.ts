import { connect } from 'node:net';

/** Sets so many clients on a server, all at once; or asks what became of them so far. */
export type CrowdRequest = { readonly port: number; readonly clients: number } | 'verdicts';

/** How many clients got which first line, `HTTP/1.1 200 OK` say, with a body that is as long as announced. */
export type Verdicts = Record<string, number>;

const verdicts: Verdicts = {};

process.on('message', (request: CrowdRequest) => {
  if (request !== 'verdicts') {
    for (let client = 0; client < request.clients; client++) scrape(request.port);
  }
  process.send?.(verdicts);
});

function scrape(port: number): void {
  let answer = '';
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', (error) => (answer = error.message));
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.on('close', () => {
    const verdict = verdictOn(answer);
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  });
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
}

function verdictOn(answer: string): string {
  const [head, body] = answer.split('\r\n\r\n');
  const announced = /^content-length: (\d+)$/im.exec(head)?.[1];
  return announced === String(body?.length) ? head.slice(0, head.indexOf('\r\n')) : `cut off: ${answer.slice(0, 100)}`;
}
