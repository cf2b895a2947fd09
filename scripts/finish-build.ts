/** What `npm run build` does after the compiler: the interpreter's WebAssembly module, and a command that can be run. */
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { emitShipped, handlersFile } from '../src/backend/simulator/engine/handlers.ts';

writeFileSync(handlersFile, emitShipped());
chmodSync(path.join(import.meta.dirname, '../bin/arm-gdbstub.js'), 0o755);
