// A model hub on this machine: speaks the real one's protocol for a few small models, as slowly as it is told.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/places.mjs";

const FIXTURES = join(ROOT, "src-tauri/crates/nn/tests/fixtures");
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** A small model that can be trained, from the fixtures of the learning core. */
export function tinyModel(name = "tiny-bert") {
  const read = (file) => readFileSync(join(FIXTURES, name, file));
  return { "config.json": read("config.json"), "tokenizer.json": read("tokenizer.json"), "model.safetensors": read("model.safetensors"), "README.md": Buffer.from("# A model\n") };
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const gitBlob = (bytes) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

export class FakeHub {
  /** `models`: by id, files by name, or `{ files, tags, gated, model_type, sha }`. */
  constructor(models) {
    this.models = new Map(Object.entries(models).map(([id, model]) => [id, model.files ? model : { files: model }]));
    /** Every request: method, path, range. */
    this.requests = [];
    /** Bytes of weights in each of ten chunks a second; 0 for no limit. */
    this.pace = 0;
  }

  async start(host = "127.0.0.1", port = 0) {
    this.server = createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve, reject) => this.server.once("error", reject).listen(port, host, resolve));
    this.address = `http://${host}:${this.server.address().port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #answer(request, response) {
    const url = new URL(request.url, this.address);
    this.requests.push({ path: url.pathname, query: url.searchParams, range: request.headers.range, token: request.headers.authorization });
    const told = this.#page(url) ?? this.#file(url, request);
    const { status = 200, headers = {}, body = Buffer.alloc(0), slow = false } = told ?? { status: 404, headers: { "X-Error-Code": "EntryNotFound" } };
    response.writeHead(status, { "Content-Length": body.length, ...headers });
    if (slow && this.pace > 0) void this.#slowly(response, body);
    else response.end(body);
  }

  async #slowly(response, body) {
    for (let from = 0; from < body.length && !response.destroyed; from += this.pace) {
      response.write(body.subarray(from, from + this.pace));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    response.end();
  }

  /** What the hub tells about models. */
  #page(url) {
    const json = (value) => ({ headers: { "Content-Type": "application/json" }, body: Buffer.from(JSON.stringify(value)) });
    if (url.pathname === "/api/models") {
      const words = (url.searchParams.get("search") ?? "").toLowerCase();
      return json([...this.models.keys()].filter((id) => id.toLowerCase().includes(words)).map((id) => this.#told(id)));
    }
    const match = /^\/api\/models\/(.+)\/revision\/([^/]+)$/.exec(url.pathname);
    if (!match) return null;
    const commit = this.models.get(match[1])?.sha ?? COMMIT;
    if (!this.models.has(match[1]) || !["main", commit].includes(match[2])) return { status: 404, headers: { "X-Error-Code": "RepoNotFound" } };
    return json(this.#told(match[1]));
  }

  #told(id) {
    const { files, tags = ["license:apache-2.0", "en"], gated = false, model_type = "bert", sha = COMMIT } = this.models.get(id);
    const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
      rfilename, size: bytes.length, blobId: gitBlob(bytes),
      ...(/\.(safetensors|bin)$/.test(rfilename) ? { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {}),
    }));
    return { id, sha, gated, tags, downloads: 1234, pipeline_tag: "fill-mask", config: { model_type }, siblings, safetensors: { total: 9632 } };
  }

  /** A file: large ones from another place, as the hub does it. */
  #file(url, request) {
    const [, id, name] = /^\/([^/]+\/[^/]+)\/resolve\/[0-9a-f]{40}\/(.+)$/.exec(url.pathname) ?? /^\/stored\/([^/]+\/[^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    const model = this.models.get(id);
    const bytes = model?.files[name];
    if (!bytes) return null;
    if (model.gated && request.headers.authorization !== "Bearer hf_right" && !url.pathname.startsWith("/stored/")) {
      return { status: 401, headers: { "X-Error-Code": "GatedRepo" } };
    }
    if (name.endsWith(".safetensors") && !url.pathname.startsWith("/stored/")) {
      return { status: 302, headers: { Location: `/stored/${id}/${name}?signature=secret`, "X-Linked-Etag": `"${sha256(bytes)}"`, "X-Linked-Size": String(bytes.length), "X-Xet-Hash": "0" } };
    }
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined) return { body: bytes, slow: name.endsWith(".safetensors") };
    if (Number(from) >= bytes.length) return { status: 416 };
    return { status: 206, headers: { "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }, body: bytes.subarray(Number(from)), slow: name.endsWith(".safetensors") };
  }
}
