// One label becomes several: its texts in groups by meaning, of which each can get a name of its own.
import { commands, type Label, type LabelPart, type TextGroup } from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";
import type { LabelsRoom } from "./labels.svelte";
import { partsOf } from "./scheme";

export class Divide {
  readonly task = new Task();
  /** The label to divide; null while none is. */
  label = $state.raw<Label | null>(null);
  count = $state(2);
  groups = $state.raw<TextGroup[] | null>(null);
  looked = $state.raw({ at: 0, of: 0 });
  names = $state<string[]>([]);
  #room: LabelsRoom;

  constructor(room: LabelsRoom) {
    this.#room = room;
  }

  get parts(): LabelPart[] {
    return this.label && this.groups ? partsOf(this.groups, this.names, this.label.name) : [];
  }

  async begin(label: Label): Promise<void> {
    [this.label, this.count, this.groups, this.names] = [label, 2, null, []];
    await this.look();
  }

  /** Puts its texts in groups; what was named before is named no more, since the groups are other ones. */
  async look(): Promise<void> {
    const label = this.label;
    if (!label) return;
    const told = await this.task.run(() => commands.textGroups({ which: "label", id: label.id }, this.count));
    if (!told || this.label !== label) return;
    [this.groups, this.looked] = [told.groups, { at: told.looked_at, of: told.all }];
    this.names = told.groups.map(() => "");
  }

  /** Gives the named groups their labels; true when it was done. */
  async divide(): Promise<boolean> {
    const { label, parts } = this;
    if (!label || parts.length === 0) return false;
    const done = await this.#room.divideLabel(label, parts);
    if (done) this.label = null;
    return done;
  }
}
