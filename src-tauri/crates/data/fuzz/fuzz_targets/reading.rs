//! What the targets for readers share: the bytes as a file, looked at and read to its end.

use understudy_data::{DialectOverrides, FileRow, Rows, preview};

/// Rows that are read of a file: a bomb is stopped by its size, not by patience.
const MOST_ROWS: usize = 20_000;

/// An error is an answer; a panic, a hang or endless memory is none.
///
/// The parsers of workbooks and of Parquet are other people's; where they panic on damaged files, our readers catch it and
/// answer that the file is damaged. The fuzzer's own hook would end the run there. A panic that nobody catches still does.
pub fn read(name: &str, bytes: &[u8]) {
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir_in("/dev/shm").unwrap();
    }
    FOLDER.with(|folder| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let looked = preview(&path, &DialectOverrides::default(), 20);
        if let Ok(rows) = Rows::open(&path, &DialectOverrides::default()) {
            let columns = rows.columns().len();
            if let Ok(looked) = &looked {
                assert_eq!(looked.columns.len(), columns, "the preview and the reader see the same table");
            }
            for row in rows.take(MOST_ROWS) {
                match row {
                    Ok(FileRow::Cells(cells)) => assert_eq!(cells.len(), columns),
                    Ok(FileRow::Problem(_)) => {}
                    Err(_) => break,
                }
            }
        }
    });
}
