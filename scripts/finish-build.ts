/** What `npm run build` does after the compiler: the interpreter's WebAssembly module, and a command that can be run. */
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { a64Instructions, emitHandlers } from '../src/arm/index.ts';
import { handlersFile } from '../src/backend/simulator/engine/handlers.ts';

writeFileSync(handlersFile, emitHandlers(a64Instructions));
chmodSync(path.join(import.meta.dirname, '../bin/arm-gdbstub.js'), 0o755);
