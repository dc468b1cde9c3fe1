import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import { test } from 'node:test';
import { listen } from '../../../src/serve/listen/listen.js';

/** As on a host whose kernel has no IPv6. */
function serverWithoutIPv6(code: string): Server {
  const server = createServer();
  const listenReally = server.listen.bind(server) as (options: ListenOptions) => Server;
  server.listen = ((options: ListenOptions) => {
    if (!options.host!.includes(':')) return listenReally(options);
    process.nextTick(() => server.emit('error', Object.assign(new Error(code), { code })));
    return server;
  }) as Server['listen'];
  return server;
}

test('where there is no IPv6, every interface is every IPv4 one', async (t) => {
  for (const code of ['EAFNOSUPPORT', 'EADDRNOTAVAIL']) {
    const server = serverWithoutIPv6(code);
    await listen(server, { host: '::', port: 0 });
    t.after(() => server.close());
    assert.equal((server.address() as AddressInfo).address, '0.0.0.0');
    assert.equal(server.listenerCount('error'), 0);
  }
});

test('where there is no IPv6, an IPv6 address that is named is refused', async () => {
  await assert.rejects(listen(serverWithoutIPv6('EADDRNOTAVAIL'), { host: '::1', port: 0 }), {
    code: 'EADDRNOTAVAIL',
    message: /\[::1\]:0: the address is not one of this host's/,
  });
});
