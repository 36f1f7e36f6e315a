// One fact per room for the list on the left: enough to see where the project stands.
import type { Overview } from "../ipc/bindings";
import { activeRun, mainRun, type RoomName, type Session } from "../project/session.svelte";
import { fixed, percent } from "../shared/i18n/format";
import { t } from "../shared/i18n/i18n.svelte";

/** The fact, or an empty string where there is none yet. */
export function glance(overview: Overview, room: RoomName, session: Session): string {
  switch (room) {
    case "data":
      return overview.rows > 0 ? t("glance.data", { n: overview.rows }) : "";
    case "labels":
      return overview.labelled > 0 ? t("glance.labels", { n: overview.labelled }) : "";
    case "split":
      return overview.split?.percent.join(" · ") ?? "";
    case "model":
      // The name without its owner.
      return overview.model?.split("/").at(-1) ?? "";
    case "train":
      return training(overview, session);
    case "results": {
      const best = mainRun(overview);
      if (!best || best.test_accuracy === null) return "";
      if (best.test_micro_f1 !== null) return t("glance.results_several", { score: fixed(best.test_micro_f1, 2) });
      return t("glance.results", { share: percent(best.test_accuracy) });
    }
    case "use":
      return overview.rooms.use === "done" ? t("glance.use") : "";
  }
}

function training(overview: Overview, session: Session): string {
  const run = activeRun(overview);
  if (!run) return overview.runs.length > 0 ? t("glance.runs", { n: overview.runs.length }) : "";
  const progress = session.jobs.get(run.id)?.progress;
  return t("glance.training", { round: progress?.epoch ?? Math.min(run.epochs, run.epochs_done + 1), rounds: run.epochs });
}
