/** The GDB Remote Serial Protocol, free of Arm: usable for a machine of any kind. */

export { type Address, formatAddress, parseAddress } from './address.ts';
export { type ByteStream, RemoteClient, RemoteError, type RemoteRegister, type StopReply } from './client.ts';
export * from './description.ts';
export { renderPackets } from './document-packets.ts';
export type { SessionOptions } from './packet.ts';
export { type ServeOptions, type Server, serve } from './server.ts';
export { type Effect, Session } from './session.ts';
export * from './target.ts';
export { generalRegisters, targetXml } from './target-xml.ts';
