/** What stands between this host and a machine of KVM: for `doctor`, and for choosing a machine. */
import { type Addon, AddonMissing, type Handle, loadAddon } from './addon.ts';
import { capability, KVM_DEVICE, openKvm, requireCapabilities } from './capabilities.ts';
import { Capability } from './constants.ts';
import { KvmError } from './error.ts';

export interface KvmReport {
  /** Why no machine of KVM can be made here; undefined: it can. */
  readonly obstacle?: string;
  /** Whether the addon is loaded, and /dev/kvm open. */
  readonly addon: boolean;
  readonly device: boolean;
  /** What /dev/kvm answers for each capability that is asked for: 0 is no, else yes or how many. */
  readonly capabilities: readonly { readonly name: string; readonly value: number }[];
}

const none: readonly [] = [];

export function inspectKvm(addon: Addon | AddonMissing = loadAddon(), path = KVM_DEVICE): KvmReport {
  if (addon instanceof AddonMissing) return { obstacle: addon.reason, addon: false, device: false, capabilities: none };
  let system: Handle | undefined;
  try {
    system = openKvm(addon, path);
    const open = system;
    const capabilities = Object.entries(Capability).map(([name, number]) => ({
      name,
      value: capability(addon, open, number),
    }));
    return { obstacle: missing(addon, open), addon: true, device: true, capabilities };
  } catch (error) {
    if (!(error instanceof KvmError)) throw error;
    return { obstacle: error.message, addon: true, device: false, capabilities: none };
  } finally {
    if (system) addon.close(system);
  }
}

function missing(addon: Addon, system: Handle): string | undefined {
  try {
    requireCapabilities(addon, system);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
