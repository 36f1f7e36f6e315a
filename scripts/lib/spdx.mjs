// Licence expressions (SPDX): "MIT OR Apache-2.0 WITH LLVM-exception", "(MIT OR BSD-3-Clause) AND Zlib".

/**
 * Can a package under `expression` be used under accepted licences alone? OR needs one side, AND both. A licence
 * with an exception is accepted where the licence is, because an exception only permits more. The old "MIT/Zlib"
 * of crates.io means OR. Throws on what is no expression.
 */
export function isAccepted(expression, accepted) {
  const tokens = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+/g) ?? [];
  const result = parseOr(tokens, accepted);
  if (tokens.length > 0) throw new Error(`"${expression}" is no licence expression`);
  return result;
}

// Each takes what it understands from the front of `tokens`. Both sides are always read: no short cuts.
function parseOr(tokens, accepted) {
  let result = parseAnd(tokens, accepted);
  while (takes(tokens, "OR")) result = [parseAnd(tokens, accepted), result].includes(true);
  return result;
}

function parseAnd(tokens, accepted) {
  let result = parseLicence(tokens, accepted);
  while (takes(tokens, "AND")) result = ![parseLicence(tokens, accepted), result].includes(false);
  return result;
}

function parseLicence(tokens, accepted) {
  if (takes(tokens, "(")) {
    const result = parseOr(tokens, accepted);
    if (!takes(tokens, ")")) throw new Error("a licence expression lacks its closing bracket");
    return result;
  }
  const name = tokens.shift();
  if (takes(tokens, "WITH")) tokens.shift();
  return accepted.has(name);
}

function takes(tokens, word) {
  if (tokens[0] !== word) return false;
  tokens.shift();
  return true;
}
