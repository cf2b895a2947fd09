/** A server without a debugger behind it: one fixed reply for each packet that arrives. */
import { createServer } from 'node:net';
import { frame } from './connection.ts';

const reply = frame('0011223344556677');
const ok = frame('OK');
const features = frame('QStartNoAckMode+');
const hash = 0x23;

createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    if (bytes.includes('qSupported')) return socket.write(features);
    if (bytes.includes('QStart')) return socket.write(ok);
    let packets = 0;
    for (let at = bytes.indexOf(hash); at >= 0; at = bytes.indexOf(hash, at + 1)) packets++;
    return packets === 1
      ? socket.write(reply)
      : socket.write(Buffer.concat(Array.from({ length: packets }, () => reply)));
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
