// Which settings the window shows, and how each is entered.
import type { TrainSettings } from "../../ipc/bindings";

type NamesOf<T> = { [K in keyof TrainSettings]: TrainSettings[K] extends T ? K : never }[keyof TrainSettings];

export type SettingName = Exclude<keyof TrainSettings, "model" | "preset">;
export type NumberSetting = { name: NamesOf<number>; min: number; max: number; whole: boolean };

export const NUMBERS: NumberSetting[] = [
  { name: "epochs", min: 1, max: 100, whole: true },
  { name: "trainings", min: 1, max: 20, whole: true },
  { name: "patience", min: 0, max: 100, whole: true },
  { name: "max_length", min: 8, max: 8192, whole: true },
  { name: "windows", min: 1, max: 64, whole: true },
  { name: "batch_size", min: 1, max: 1024, whole: true },
  { name: "accumulation_steps", min: 1, max: 1024, whole: true },
  { name: "learning_rate", min: 1e-7, max: 0.1, whole: false },
  { name: "layer_decay", min: 0.1, max: 1, whole: false },
  { name: "warmup_ratio", min: 0, max: 1, whole: false },
  { name: "head_epochs", min: 0, max: 200, whole: true },
  { name: "trained_layers", min: 0, max: 100, whole: true },
  { name: "lora_rank", min: 1, max: 256, whole: true },
  { name: "weight_decay", min: 0, max: 1, whole: false },
  { name: "dropout", min: 0, max: 0.9, whole: false },
  { name: "label_smoothing", min: 0, max: 0.9, whole: false },
  { name: "max_grad_norm", min: 0, max: 1000, whole: false },
  { name: "seed", min: 0, max: 4294967295, whole: true },
];

export const CHOICES = [
  { name: "method", values: ["full", "lora", "head"] },
  { name: "pooling", values: ["native", "mean"] },
  { name: "window_pooling", values: ["mean", "max", "attention"] },
  { name: "truncation", values: ["head", "head_and_tail"] },
  { name: "precision", values: ["f32", "bf16"] },
] as const;

export const SWITCHES = ["class_weights", "average_with_start", "recompute"] as const;
