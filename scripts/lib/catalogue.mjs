// What the model hub says of the catalogue's models, beside what the catalogue says. Changes nothing.

/** Files that are downloaded with the weights. */
const SMALL = /^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$|^(vocab|merges)\.txt$|\.model$/;
/** Sizes that differ by less are the same: what the catalogue tells is rounded. */
const TOLERANCE = 0.03;

/**
 * Asks the hub about one entry. Returns what differs, in words, and what the hub has: `{ differences, revision, download_bytes }`.
 * `get` answers an address with parsed JSON; it throws when there is none.
 */
export async function compare(entry, hub, get) {
  const differences = [];
  const at = entry.revision ?? "main";
  const told = await get(`${hub}/api/models/${entry.id}/revision/${at}?blobs=true`).catch((error) => error);
  if (told instanceof Error) return { differences: [`${at}: ${told.message}`] };
  if (entry.revision && told.sha !== entry.revision) differences.push(`revision ${entry.revision} became ${told.sha}`);
  if (told.id !== entry.id) differences.push(`it is called ${told.id}`);

  const files = new Map(told.siblings.map((file) => [file.rfilename, file.lfs?.size ?? file.size]));
  const weights = ["model.safetensors", "pytorch_model.bin"].find((name) => files.has(name));
  if (!weights) differences.push("no weights that can be used");
  const bytes = [...files].filter(([name]) => name === weights || SMALL.test(name)).reduce((sum, [, size]) => sum + size, 0);
  if (weights && Math.abs(bytes / entry.download_bytes - 1) > TOLERANCE) differences.push(`${entry.download_bytes} bytes are ${bytes}`);

  const licence = told.tags?.find((tag) => tag.startsWith("license:"))?.slice("license:".length) ?? null;
  if ((licence ?? "") !== (entry.licence ?? "").toLowerCase()) differences.push(`licence ${entry.licence} is ${licence}`);

  const config = await get(`${hub}/${entry.id}/resolve/${told.sha}/config.json`).catch((error) => error);
  if (config instanceof Error) differences.push(`config.json: ${config.message}`);
  else {
    for (const [field, value] of Object.entries(entry.config)) {
      if (field in config && JSON.stringify(config[field]) !== JSON.stringify(value)) differences.push(`${field} ${JSON.stringify(value)} is ${JSON.stringify(config[field])}`);
    }
  }
  return { differences, revision: told.sha, download_bytes: bytes };
}
