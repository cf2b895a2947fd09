/** Packets about the conversation itself: what both sides can do, how it begins and ends. */
import { hex } from '../output.ts';
import { noReply, packet, type Reply, unsupported } from '../packet.ts';
import { writeStop } from '../stop.ts';

/** The machines that only lldb names here; gdb says `xmlRegisters=i386`. */
const lldbRegisters = /^xmlRegisters=.*\barc\b/;

export const sessionPackets = [
  packet('qSupported[:{features:text}]', {
    doc: 'Tell what each side can do. lldb is known by the machines that it lists in xmlRegisters.',
    features: ['error-message+'],
    when: 'connected',
    run: ({ features = '' }, context) => {
      const told = features.split(';');
      context.clientFeatures = new Set(told);
      if (told.some((feature) => lldbRegisters.test(feature))) context.isLldb();
      const watchpoints = context.target.host?.watchpointTypes;
      return [
        `PacketSize=${hex(context.options.packetSize)}`,
        ...context.features(),
        ...(watchpoints ? [`SupportedWatchpointTypes=${watchpoints.join(',')}`] : []),
      ].join(';');
    },
  }),

  packet('QStartNoAckMode', {
    doc: 'Go on without acknowledgements. From then on checksums are not looked at, as in other servers.',
    features: ['QStartNoAckMode+'],
    when: 'connected',
    run: (_, context) => {
      context.startNoAckMode();
      return undefined;
    },
  }),

  packet('!', {
    doc: 'Extended mode. It is always on: after a detach the connection stays, and vAttach, vRun and R are answered.',
    when: 'connected',
    run: () => undefined,
  }),

  packet('?', {
    doc: 'Tell why the machine stopped last. After a detach there is no process: W00.',
    when: 'connected',
    run: (_, context) => (context.attached ? (output) => writeStop(output, context, context.lastStop) : 'W00'),
  }),

  packet('vMustReplyEmpty', {
    doc: 'An unknown packet on purpose: the reply is empty.',
    when: 'connected',
    run: () => unsupported,
  }),

  packet('D[;{process:int}]', {
    doc: "Detach: remove this debugger's breakpoints and let the machine go. The connection stays until the client ends it.",
    when: 'connected',
    run: (_, context) => {
      if (context.attached) context.detach();
      return undefined;
    },
  }),

  packet('k', {
    doc: 'Kill: detaches unless the server was allowed to end the machine, because the quit of lldb sends it. Without a reply.',
    when: 'always',
    run: (_, context) => {
      context.kill();
      context.close();
      return noReply;
    },
  }),

  packet('vKill;{process:int}', {
    doc: 'Like k, with a reply, and the connection stays.',
    when: 'connected',
    run: (_, context) => {
      if (!context.kill() && context.attached) context.detach();
      return undefined;
    },
  }),

  packet('vAttach;{process:int}', {
    doc: 'Debug the machine again after a detach: halts it and answers with a stop.',
    when: 'connected',
    run: (_, context) => context.attach(),
  }),

  packet('vRun;{arguments:text}', {
    doc: 'Start again: a reset, with a stop as the reply. The file name and the arguments are not used.',
    when: 'connected',
    run: (_, context): Reply => context.restart(),
  }),

  packet('R{restart:int}', {
    doc: 'Start again: a reset, without a reply.',
    needs: 'reset',
    run: (_, context) => {
      context.restart();
      return noReply;
    },
  }),

  packet('vCtrlC', {
    doc: 'Interrupt, as the byte 0x03 does. The stop is the reply of the packet that let the machine go.',
    when: 'always',
    run: (_, context) => {
      context.interrupt();
      return undefined;
    },
  }),

  packet('qAttached[:{process:int}]', {
    doc: 'The machine was there before the debugger: 1. So gdb detaches when it quits.',
    when: 'connected',
    run: () => '1',
  }),

  packet('qSymbol:{value:text}:{name:text}', {
    doc: 'Offer to look up symbols: none are wanted.',
    run: () => undefined,
  }),

  packet('qOffsets', {
    doc: 'The program lies where it was linked.',
    run: () => 'Text=0;Data=0;Bss=0',
  }),

  packet('qRcmd,{command:hex}', {
    doc: 'Run a line of monitor. What it prints comes in O packets, which gdb and lldb both show; then OK or an error.',
    needs: 'monitor',
    numericErrors: true,
    run: ({ command }, context) => {
      const thread = context.thread();
      if (typeof thread !== 'number') return thread;
      const text = context.target.monitor.run(new TextDecoder().decode(command), thread);
      if (typeof text === 'string') {
        context.print(text);
        return undefined;
      }
      // A gdb that does not know texts as errors prints only that there was one.
      if (!context.clientFeatures.has('error-message+')) context.print(`${text.message}\n`);
      return text;
    },
  }),
];
