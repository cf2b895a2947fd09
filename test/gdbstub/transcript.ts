/**
 * Transcripts: conversations that people can read and that are run. In the blocks marked `rsp` of a Markdown file
 *
 *     -> p1        a packet of the client, without $ and checksum; \xNN is a byte
 *     => +         bytes of the client as they are
 *     <- 00        a packet of the server
 *     <= +         bytes of the server outside packets
 *     -- close     an effect other than sending, in its place
 *
 * Each block is one conversation from its start. Its first line may be `-- {options}`.
 */
import { readFileSync } from 'node:fs';
import type { SessionOptions } from '../../src/gdbstub/packet.ts';
import { Conversation, frameOf, framesOf } from './conversation.ts';

export interface Transcript {
  readonly title: string;
  readonly lines: readonly string[];
  readonly options: Partial<SessionOptions> & { readonly machine?: 'running' };
}

export function readTranscripts(file: string): readonly Transcript[] {
  const transcripts: Transcript[] = [];
  let title = '';
  let lines: string[] | undefined;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('#') && !lines) title = line.replace(/^#+ /, '');
    else if (line === '```rsp') lines = [];
    else if (line === '```' && lines) {
      const options = lines[0].startsWith('-- {') ? JSON.parse(lines.shift()!.slice(3)) : {};
      transcripts.push({ title, lines, options });
      lines = undefined;
    } else if (line !== '') lines?.push(line);
  }
  return transcripts;
}

const toBytes = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));

const toText = (bytes: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes to be made visible
  bytes.replace(/[\x00-\x1f\x7f-\xff\\]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Says the client's lines in chunks of this size; the lines as they then really are. */
export async function runTranscript({ lines, options }: Transcript, chunk: number): Promise<string[]> {
  const { machine = 'stopped', ...sessionOptions } = options;
  const conversation = new Conversation(sessionOptions);
  const actual: string[] = [];
  const note = (): void => {
    const frames = framesOf(conversation.take());
    if (!frames) throw new Error(`the server sent a wrong frame after\n${actual.join('\n')}`);
    for (const effect of conversation.effects.splice(0)) if (effect !== 'send') actual.push(`-- ${effect}`);
    for (const frame of frames)
      actual.push(frame.length === 1 ? `<= ${frame}` : `<- ${toText(frame.slice(1, -3))}`.trimEnd());
  };
  await conversation.open(machine);
  note();
  for (const line of lines) {
    if (!line.startsWith('->') && !line.startsWith('=>')) continue;
    actual.push(line);
    const bytes = toBytes(line.slice(3));
    await conversation.send(line.startsWith('->') ? frameOf(bytes) : bytes, chunk);
    note();
  }
  conversation.machine.execution.interrupt();
  return actual;
}
