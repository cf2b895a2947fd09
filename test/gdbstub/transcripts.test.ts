import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readTranscripts, runTranscript } from './transcript.ts';

const folder = new URL('transcripts/', import.meta.url).pathname;
const files = readdirSync(folder).filter((file) => file.endsWith('.md'));

test('there are transcripts', () => {
  expect(files.length).toBeGreaterThan(5);
});

describe.each(files)('%s', (file) => {
  for (const transcript of readTranscripts(folder + file))
    for (const [how, chunk] of [
      ['whole', Number.POSITIVE_INFINITY],
      ['byte by byte', 1],
      ['three bytes at a time', 3],
    ] as const)
      test(`${transcript.title}, ${how}`, async () => {
        const actual = await runTranscript(transcript, chunk);
        expect(actual.join('\n')).toBe(transcript.lines.join('\n'));
      });
});
