/** npm run bench [-- simulator|attach|protocol]: the figures that changes are held against. */
import { benchAttach } from './attach.ts';
import { benchProtocol } from './protocol.ts';
import { benchSimulator } from './simulator.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  simulator: benchSimulator,
  attach: benchAttach,
  // Last: it binds this process to one processor.
  protocol: benchProtocol,
};
const asked = process.argv.slice(2);
const usage = `npm run bench -- [${Object.keys(benches).join('|')}] ...   (all without a name)`;
const unknown = asked.find((name) => !(name in benches));
if (unknown === '--help') console.log(usage);
else if (unknown !== undefined) {
  console.error(`There is no bench ${unknown}: ${usage}`);
  process.exitCode = 2;
} else {
  for (const name of asked.length > 0 ? asked : Object.keys(benches)) await benches[name]();
}
