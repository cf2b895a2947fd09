/** Where a server listens. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string /** 0 chooses a free one. */; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'stdio' };

const loopback = '127.0.0.1';

/** `tcp:[HOST:]PORT`, `unix:PATH`, `stdio`; also QEMU's `tcp::PORT` and a bare PORT. undefined: none of these. */
export function parseAddress(text: string): Address | undefined {
  if (text === 'stdio') return { kind: 'stdio' };
  if (text.startsWith('unix:')) return text.length > 5 ? { kind: 'unix', path: text.slice(5) } : undefined;
  const match = /^(?:tcp:(?:(\[[\w:.%]+\]|[^:[\]]*):)?)?(\d{1,5})$/.exec(text);
  if (!match || Number(match[2]) > 65_535) return undefined;
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { kind: 'tcp', host: host === '' ? loopback : host, port: Number(match[2]) };
}

/** As parseAddress reads it. gdb's `target remote` takes `tcp:HOST:PORT` too, but of a Unix socket the path alone. */
export function formatAddress(address: Address): string {
  if (address.kind === 'stdio') return 'stdio';
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `tcp:${host}:${address.port}`;
}
