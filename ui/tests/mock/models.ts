// Models as the engine tells them, for development in a browser and for tests.
import type { Connections, FoundModel, ModelCard, ModelShelf, NetworkState } from "../../src/ipc/bindings";

const FITS: ModelCard["fit"] = {
  training: "fits", training_mb: 700, training_seconds: 220, answering: "fits", answering_mb: 190, texts_per_second: 140, disk: true, reads_language: true,
};

const COMMON = {
  multilingual: false, mean_pooling: false, recommended_by_us: true, other_revision: false, installed: false, folder: null, origin: null, arrived_bytes: null, cached: false,
} as const;

export const MODELS: ModelCard[] = [
  {
    ...COMMON, id: "all-MiniLM-L6-v2", name: "all-MiniLM-L6-v2", architecture: "bert", licence: "Apache-2.0", commercial_use: "yes", languages: ["en"], domain: "sentences", mean_pooling: true,
    description: {
      en: "Small and quick; learns on any laptop. For English texts only.",
      zh: "小巧快速，普通笔记本电脑即可训练。仅适用于英文文本：如果您的文本是中文，请选择多语言模型。",
    },
    parameters: 22_565_376, layer_parameters: 10_600_000, bytes: 91_578_251, hidden_size: 384, layers: 6, max_length: 512, installed: true,
    folder: "/home/expert/.local/share/understudy/models/sentence-transformers--all-MiniLM-L6-v2", origin: "huggingface.co",
    source: "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2", revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf", fit: FITS,
  },
  {
    ...COMMON, id: "multilingual-e5-small", name: "multilingual-e5-small", architecture: "bert", licence: "MIT", commercial_use: "yes", languages: ["zh", "en", "de", "fr", "ja"], multilingual: true, domain: "sentences",
    description: {
      en: "Reads about a hundred languages, Chinese among them. Takes about twice the time.",
      zh: "支持包括中文在内的约一百种语言，训练时间约为前者的两倍。",
    },
    parameters: 117_653_760, layer_parameters: 21_000_000, bytes: 492_000_000, hidden_size: 384, layers: 12, max_length: 512,
    source: "https://huggingface.co/intfloat/multilingual-e5-small", revision: null, fit: { ...FITS, training_mb: 1557, training_seconds: 430 },
  },
  {
    ...COMMON, id: "hfl/chinese-macbert-large", name: "MacBERT large, Chinese", architecture: "bert", licence: "Apache-2.0", commercial_use: "yes", languages: ["zh"], domain: "general",
    description: {
      en: "More accurate than MacBERT base on Chinese texts, but about three times as slow, and it needs much memory.",
      zh: "处理中文文本比 MacBERT base 更准，但速度约慢三倍，且需要大量内存。",
    },
    parameters: 324_000_000, layer_parameters: 302_000_000, bytes: 1_300_000_000, hidden_size: 1024, layers: 24, max_length: 512, arrived_bytes: 412_000_000,
    source: "https://huggingface.co/hfl/chinese-macbert-large", revision: null, fit: { ...FITS, training: "tight", training_mb: 8700, training_seconds: 5300, texts_per_second: 6.4, reads_language: false },
  },
  {
    ...COMMON, id: "answerdotai/ModernBERT-large", name: "ModernBERT large, English", architecture: "modernbert", licence: null, commercial_use: "unclear", languages: ["en"], domain: "general",
    description: { en: "More accurate than ModernBERT base on long English texts; hardly usable without a large graphics card.", zh: "处理英文长文本比 ModernBERT base 更准；没有大显存显卡则几乎无法使用。" },
    parameters: 394_000_000, layer_parameters: 340_000_000, bytes: 1_590_000_000, hidden_size: 1024, layers: 28, max_length: 8192, cached: true,
    source: "https://huggingface.co/answerdotai/ModernBERT-large", revision: null, fit: { ...FITS, training: "does_not_fit", training_mb: 21_000, training_seconds: null, texts_per_second: null },
  },
];

export function shelf(models: ModelCard[], language: "en" | "zh"): ModelShelf {
  return {
    models, recommended: "all-MiniLM-L6-v2", measured: true, library: "/home/expert/.local/share/understudy/models", library_bytes: 91_578_251,
    unfinished: [{ id: "someone/half-a-model", bytes: 212_000_000, damaged: false }, { id: "someone/broken-model", bytes: 409_000_000, damaged: true }],
    reason: language === "en"
      ? "Your texts are English, half of them no longer than 168 characters; 171 are there to learn from, with 5 labels. Training takes at most about 4 minutes on this computer and 700 MB of memory."
      : "您的文本语言为英文，半数不超过 168 个字符；可供学习的有 171 条，共 5 个标签。在这台电脑上训练最多约需 4 分钟，占用 700 MB 内存。",
  };
}

const MODEL: FoundModel = {
  id: "someone/chinese-legal-roberta", downloads: 12_345, licence: "apache-2.0", languages: ["zh"], architecture: "bert", parameters: 102_000_000, gated: false, obstacle: null,
};

export const FOUND: Record<"en" | "zh", FoundModel[]> = {
  en: [MODEL, { ...MODEL, id: "someone/legal-llama", architecture: "llama", licence: null, gated: true, parameters: null, obstacle: "Models of the kind “llama” cannot be trained here." }],
  zh: [MODEL, { ...MODEL, id: "someone/legal-llama", architecture: "llama", licence: null, gated: true, parameters: null, obstacle: "这里无法训练“llama”类型的模型。" }],
};

export const NETWORK: NetworkState = {
  settings: { closed: false, hub: null, proxy: null, proxy_user: null }, hub: "https://huggingface.co", mirror: "https://hf-mirror.com", has_token: false, other_token: true, has_proxy_password: false,
};

export const CONNECTIONS: Connections = {
  count: 3, log: "/home/expert/.config/understudy/connections.jsonl",
  latest: [
    { at: "2026-11-24T09:03:11Z", host: "huggingface.co", path: "/api/models", why: "search", bytes: 40_211, status: 200 },
    { at: "2026-11-20T14:01:02Z", host: "huggingface.co", path: "/sentence-transformers/all-MiniLM-L6-v2/resolve/c9745ed1/model.safetensors", why: "sentence-transformers/all-MiniLM-L6-v2", bytes: 90_868_376, status: 200 },
    { at: "2026-11-20T14:00:58Z", host: "huggingface.co", path: "/sentence-transformers/all-MiniLM-L6-v2/resolve/c9745ed1/config.json", why: "sentence-transformers/all-MiniLM-L6-v2", bytes: 0, status: null },
  ],
};
