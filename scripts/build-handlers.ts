/** Puts the interpreter's WebAssembly module beside the compiled engine: the last step of `npm run build`. */
import { writeFileSync } from 'node:fs';
import { a64Instructions, emitHandlers } from '../src/arm/index.ts';
import { handlersFile } from '../src/backend/simulator/engine/handlers.ts';

writeFileSync(handlersFile, emitHandlers(a64Instructions));
