/** Optional features of the modelled CPU, as instructions name them: those that its ID registers tell. */
export const cpuFeatures: ReadonlySet<string> = new Set([
  'FEAT_AES',
  'FEAT_PMULL',
  'FEAT_RDM',
  'FEAT_SHA1',
  'FEAT_SHA256',
]);
