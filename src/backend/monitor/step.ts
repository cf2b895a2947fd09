/** `monitor step`: whether a step may land in an interrupt handler. */
import type { Command } from './command.ts';

export const step: Command = {
  name: 'step',
  usage: ['step', 'step irq on|off'],
  summary: 'Show or choose whether interrupts are taken in single steps',
  details: [
    'off (the default): IRQ and FIQ are masked for the step and put back as they were; the guest does not see it.',
    'on: a step with an interrupt pending ends at the first instruction of its handler.',
  ],
  run({ guest: { execution } }, argument) {
    const [, word] = /^irq\s+(on|off)$/.exec(argument) ?? [];
    if (word === undefined && argument !== '') return undefined;
    if (word !== undefined) execution.stepsTakeInterrupts = word === 'on';
    return `step irq ${execution.stepsTakeInterrupts ? 'on' : 'off'}\n`;
  },
};
