/** `explain REGISTER VALUE`: what a value of a system register means. */
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { explainValue, formatExplained } from '../../src/arm/index.ts';
import { parseRegister, parseValue } from '../options.ts';

interface Options {
  readonly register: string;
  readonly value: string;
}

export const explain: CommandModule<unknown, Options> = {
  command: 'explain <register> <value>',
  describe: 'Tell what a value of a system register means, field by field',
  builder: (yargs) =>
    yargs
      .positional('register', {
        type: 'string',
        demandOption: true,
        describe: 'Name, as ESR_EL1 or S3_0_C5_C2_0, in any case',
      })
      .positional('value', { type: 'string', demandOption: true, describe: 'Number, as 0x96000045' })
      .example('$0 explain ESR_EL1 0x96000045', 'a syndrome, down to the fault status')
      .example('$0 explain sctlr_el1 0x30d00801', 'control bits'),
  handler: ({ register, value }: ArgumentsCamelCase<Options>) => {
    const lines = formatExplained(explainValue(parseRegister(register), parseValue(value)));
    process.stdout.write(`${lines.join('\n')}\n`);
  },
};
