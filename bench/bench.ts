/** npm run bench: the figures that changes are held against. */
import { benchAttach } from './attach.ts';
import { benchLinux } from './linux.ts';
import { benchPrograms } from './programs.ts';
import { benchProtocol } from './protocol.ts';
import { benchSimulator } from './simulator.ts';

const benches: Readonly<Record<string, { readonly files: readonly string[]; run(...files: string[]): Promise<void> }>> =
  {
    simulator: { files: [], run: benchSimulator },
    programs: { files: ['FOLDER'], run: benchPrograms },
    linux: { files: ['KERNEL', 'INITRD'], run: benchLinux },
    attach: { files: [], run: benchAttach },
    // Last: it binds this process to one processor.
    protocol: { files: [], run: benchProtocol },
  };

const usage = `npm run bench                    all that need no files
${Object.entries(benches)
  .map(([name, { files }]) => `npm run bench -- ${[name, ...files].join(' ')}`)
  .join('\n')}`;

/** Names, each with its files. Throws with the usage. */
async function runAll(words: readonly string[]): Promise<void> {
  const rest = [...words];
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
    const files = rest.splice(0, bench?.files.length ?? 0);
    if (files.length !== bench?.files.length) throw new Error(bench ? usage : `there is no bench ${name}\n${usage}`);
    await bench.run(...files);
  }
}

const asked = process.argv.slice(2);
const withoutFiles = Object.keys(benches).filter((name) => benches[name].files.length === 0);
if (asked[0] === '--help') console.log(usage);
else
  await runAll(asked.length > 0 ? asked : withoutFiles).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 2;
  });
