/** The GDB Remote Serial Protocol, free of Arm: usable for a machine of any kind. */
export * from './description.ts';
export * from './target.ts';
export { generalRegisters, targetXml } from './target-xml.ts';
