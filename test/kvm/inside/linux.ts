/** What the lab gives: Linux on arm64 with KVM. */
import assert from 'node:assert/strict';
import { closeSync, openSync, statSync } from 'node:fs';
import os from 'node:os';
import type { Case } from '../../backend/case.ts';

export const linux: readonly Case[] = [
  {
    name: 'this is Linux on arm64',
    run: ({ report }) => {
      assert.equal(`${process.platform} ${process.arch}`, 'linux arm64');
      report(`Linux ${os.release()}, Node ${process.version}`);
    },
  },
  {
    name: '/dev/kvm can be opened',
    run: () => {
      assert.ok(statSync('/dev/kvm').isCharacterDevice());
      closeSync(openSync('/dev/kvm', 'r+'));
    },
  },
];
