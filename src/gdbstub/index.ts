/** The GDB Remote Serial Protocol, free of Arm: usable for a machine of any kind. */
export { type ByteStream, RemoteClient, RemoteError, type RemoteRegister, type StopReply } from './client.ts';
export * from './description.ts';
export * from './target.ts';
export { generalRegisters, targetXml } from './target-xml.ts';
