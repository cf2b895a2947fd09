/** npm run bench [-- simulator|protocol|attach]: the figures that changes are held against. */
import { benchAttach } from './attach.ts';
import { benchProtocol } from './protocol.ts';
import { benchSimulator } from './simulator.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  simulator: benchSimulator,
  protocol: benchProtocol,
  attach: benchAttach,
};
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in benches));
if (unknown !== undefined) {
  console.error(`There is no bench ${unknown}; there are: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  for (const name of asked.length > 0 ? asked : Object.keys(benches)) await benches[name]();
}
