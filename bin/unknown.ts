/** Better sentences for words that are no option or command, with the one that was probably meant. */
import { nearestName } from '../src/arm/index.ts';

/** `message` is what yargs says of `args`; undefined where it is about something else. `options` are those that there are. */
export function unknownArguments(
  message: string,
  args: readonly string[],
  options: readonly string[],
): string | undefined {
  const command = /^Did you mean (.*)\?$/.exec(message)?.[1];
  if (command !== undefined) return `there is no command ${args[0]}; did you mean ${command}?`;
  const bare = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (bare !== undefined) return `${bare.length > 1 ? '--' : '-'}${bare} needs a value`;
  const word = /^Unknown arguments?: (.*?)(,|$)/.exec(message)?.[1];
  if (word === undefined) return undefined;
  const asWritten = args.find((arg) => /^-/.test(arg) && arg.replace(/^--?/, '').split('=')[0] === word);
  if (asWritten === undefined) return word === args[0] ? `there is no command ${word}` : `${word} is too much`;
  const near = nearestName(word, options);
  return `there is no option ${asWritten.split('=')[0]}${near ? `; did you mean --${near}?` : ''}`;
}
