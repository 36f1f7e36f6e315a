//! The system's file dialogs, behind a trait: tests of the real window answer for the user.

use std::path::PathBuf;

use tauri::AppHandle;
use tauri_plugin_dialog::DialogExt;

/// Asks the user for files and folders; `None` when they gave up. Blocks until they answer.
pub trait FilePicker: Send + Sync {
    /// A table to read.
    fn table(&self) -> Option<PathBuf>;
    /// A folder to read or write in.
    fn folder(&self) -> Option<PathBuf>;
    /// A zip archive to read.
    fn archive(&self) -> Option<PathBuf>;
    /// A file to write.
    fn save(&self, proposed: &str) -> Option<PathBuf>;
    /// A table to write; the ending of its name says how.
    fn save_table(&self, proposed: &str) -> Option<PathBuf>;
}

/// The picker of this process: the system's dialogs, or in development builds a script.
pub fn picker(app: AppHandle) -> Box<dyn FilePicker> {
    #[cfg(debug_assertions)]
    if let Some(script) = std::env::var_os(scripted::VARIABLE) {
        return Box::new(scripted::Scripted::new(script.into()));
    }
    Box::new(System(app))
}

struct System(AppHandle);

impl FilePicker for System {
    fn table(&self) -> Option<PathBuf> {
        let tables = [
            "csv", "tsv", "tab", "psv", "txt", "xlsx", "xlsm", "xlsb", "xls", "ods", "json", "jsonl",
            "ndjson", "parquet", "pq", "gz", "zip",
        ];
        self.0
            .dialog()
            .file()
            .add_filter("CSV, Excel, JSON, Parquet …", &tables)
            .add_filter("*", &["*"])
            .blocking_pick_file()?
            .into_path()
            .ok()
    }

    fn folder(&self) -> Option<PathBuf> {
        self.0.dialog().file().blocking_pick_folder()?.into_path().ok()
    }

    fn archive(&self) -> Option<PathBuf> {
        let picked = self
            .0
            .dialog()
            .file()
            .add_filter("zip", &["zip"])
            .blocking_pick_file();
        picked?.into_path().ok()
    }

    fn save(&self, proposed: &str) -> Option<PathBuf> {
        self.0
            .dialog()
            .file()
            .set_file_name(proposed)
            .blocking_save_file()?
            .into_path()
            .ok()
    }

    fn save_table(&self, proposed: &str) -> Option<PathBuf> {
        self.0
            .dialog()
            .file()
            .set_file_name(proposed)
            .add_filter("CSV (.csv)", &["csv"])
            .add_filter("Excel (.xlsx)", &["xlsx"])
            .add_filter("TSV (.tsv)", &["tsv"])
            .add_filter("JSON Lines (.jsonl)", &["jsonl"])
            .blocking_save_file()?
            .into_path()
            .ok()
    }
}

#[cfg(debug_assertions)]
mod scripted {
    use super::{FilePicker, PathBuf};

    /// Names a file whose lines are the next answers: each call takes the first line away; an empty line gives up.
    pub const VARIABLE: &str = "UNDERSTUDY_DIALOG_ANSWERS";

    pub struct Scripted(PathBuf);

    impl Scripted {
        pub fn new(script: PathBuf) -> Self {
            Scripted(script)
        }

        fn next(&self) -> Option<PathBuf> {
            let answers = std::fs::read_to_string(&self.0).ok()?;
            let (first, rest) = answers.split_once('\n').unwrap_or((&answers, ""));
            std::fs::write(&self.0, rest).ok()?;
            (!first.is_empty()).then(|| PathBuf::from(first))
        }
    }

    impl FilePicker for Scripted {
        fn table(&self) -> Option<PathBuf> {
            self.next()
        }

        fn folder(&self) -> Option<PathBuf> {
            self.next()
        }

        fn archive(&self) -> Option<PathBuf> {
            self.next()
        }

        fn save(&self, _proposed: &str) -> Option<PathBuf> {
            self.next()
        }

        fn save_table(&self, _proposed: &str) -> Option<PathBuf> {
            self.next()
        }
    }
}
