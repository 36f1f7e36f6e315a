//! The commands and events of the window, and their TypeScript: `ui/src/ipc/bindings.ts` is generated from here.

use specta_typescript::semantic::Configuration;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands, collect_events};

use crate::commands::{app, assist, data, labels, model, people, project, results, split, train, usage};
use crate::jobs::{FileDropEvent, JobEvent};
use crate::work::WorkEvent;

/// All commands and events.
pub fn builder() -> Builder<tauri::Wry> {
    Builder::new()
        .error_handling(ErrorHandlingMode::Throw)
        .disable_serde_phases()
        // What crosses is finite; else every number would have to be asked whether it is null.
        .semantic_types(Configuration::empty().enable_lossless_floats())
        .commands(collect_commands![
            app::app_info,
            app::save_settings,
            app::machine,
            project::create_project,
            project::open_project,
            project::pick_project,
            project::open_sample,
            project::overview,
            project::close_project,
            data::pick_data_file,
            data::pick_data_folder,
            data::keep_pasted,
            data::preview_file,
            data::import_file,
            data::data_summary,
            data::long_texts,
            data::rows_page,
            data::row_ids,
            data::example,
            data::problems_page,
            data::update_from_file,
            data::stop_work,
            data::mend_form,
            data::mend_row,
            data::edit_text,
            data::cleaning_look,
            data::clean,
            data::cleaning_steps,
            data::undo_cleaning,
            data::find_near_duplicates,
            data::near_duplicates,
            data::near_cluster,
            data::conflicts_page,
            data::decide_conflict,
            labels::label_state,
            labels::add_label,
            labels::change_label,
            labels::order_labels,
            labels::label_notes,
            labels::set_label_notes,
            labels::save_scheme,
            labels::load_scheme,
            labels::remove_label,
            labels::set_problem_type,
            labels::annotate,
            labels::label_many,
            labels::export_labels,
            labels::set_mark,
            labels::place_of,
            labels::label_spellings,
            labels::merge_labels,
            labels::divide_label,
            labels::undo_annotation,
            labels::redo_annotation,
            labels::next_unlabelled,
            labels::last_unlabelled,
            people::people,
            people::set_person,
            people::set_second_share,
            people::next_for_second_opinion,
            people::disagreements_page,
            people::decide_disagreement,
            people::send_answers,
            people::take_answers,
            assist::read_texts,
            assist::learn_from_labels,
            assist::suggestion,
            assist::next_to_label,
            assist::doubts_page,
            assist::label_forecast,
            assist::similar_texts,
            assist::find_by_meaning,
            assist::text_groups,
            split::make_split,
            split::open_test,
            split::add_to_training,
            split::split_summary,
            model::model_shelf,
            model::measure_machine,
            model::choose_model,
            model::fetch_model,
            model::discard_download,
            model::remove_model,
            model::verify_model,
            model::model_uses,
            model::search_hub,
            model::look_at_model,
            model::add_model_folder,
            model::add_model_archive,
            model::keep_run,
            model::export_base_model,
            model::move_library,
            model::network_state,
            model::save_network,
            model::keep_secret,
            model::connections,
            train::train_plan,
            train::start_training,
            train::continue_training,
            train::continue_with_half_the_rate,
            train::start_cross_validation,
            train::continue_cross_validation,
            train::cross_validation_result,
            train::cancel_job,
            train::runs,
            train::run_history,
            results::run_results,
            results::run_judgement,
            results::class_curves,
            results::compare_runs,
            results::examined_answers,
            results::examine_answers,
            results::set_review,
            results::verify_run,
            results::wrong_answers,
            results::wrong_groups,
            results::write_report,
            results::save_report,
            results::open_report,
            results::export_model,
            usage::try_text,
            usage::explain_text,
            usage::pick_file_to_predict,
            usage::predict_file,
            usage::queue_for_review,
            usage::queue_text,
            usage::start_server,
            usage::received_models,
            usage::demo_examples,
            usage::set_demo_examples,
            usage::fill_screen,
        ])
        .events(collect_events![JobEvent, FileDropEvent, WorkEvent])
        .typ::<understudy_engine::UserError>()
        .typ::<understudy_engine::job::Phase>()
}

#[cfg(test)]
mod tests {
    use specta_typescript::Typescript;
    use std::path::Path;

    /// Set to write the file instead of comparing it.
    const WRITE: &str = "UNDERSTUDY_WRITE_BINDINGS";

    #[test]
    fn the_bindings_of_the_window_are_those_of_the_commands() {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/ipc/bindings.ts");
        let fresh = std::env::temp_dir().join(format!("understudy-bindings-{}.ts", std::process::id()));
        super::builder().export(Typescript::default(), &fresh).unwrap();
        let generated = std::fs::read_to_string(&fresh).unwrap();
        std::fs::remove_file(&fresh).unwrap();
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&target, &generated).unwrap();
        }
        let kept = std::fs::read_to_string(&target).unwrap();
        assert!(
            kept == generated,
            "stale: run {WRITE}=1 cargo test -p understudy-app bindings"
        );
    }
}
