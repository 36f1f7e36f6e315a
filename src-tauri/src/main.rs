//! The desktop shell: one window, thin typed commands, and the supervision of workers.
//!
//! Everything it does is a call into `understudy_engine`; it adds dialogs, the relay of jobs' events, and the walls
//! around the page: no navigation away, no permission but to listen to events.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod bindings;
mod commands;
mod dialogs;
mod environment;
mod jobs;
mod state;
mod work;

use tauri::{DragDropEvent, Manager, RunEvent, WindowEvent};
use tauri_specta::Event;

use jobs::FileDropEvent;
use state::AppState;

/// Threads that commands may wait on at once.
const COMMAND_THREADS: usize = 32;

fn main() {
    environment::mend();
    let runtime = commands_runtime();
    tauri::async_runtime::set(runtime.handle().clone());
    let bindings = bindings::builder();
    let handler = bindings.invoke_handler();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(stay_on_page())
        .invoke_handler(handler)
        .on_window_event(|window, event| {
            if let WindowEvent::DragDrop(drag) = event {
                tell_drop(window, drag);
            }
        })
        .setup(move |app| {
            bindings.mount_events(app);
            app.manage(AppState::read(app.handle()));
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => app.run(|app, event| {
            if let RunEvent::Exit = event {
                app.state::<AppState>().jobs.close_all();
            }
        }),
        Err(error) => {
            eprintln!("Understudy cannot open its window: {error}");
            std::process::exit(1);
        }
    }
}

/// Commands wait for dialogs, for the database, for an answer; with one thread a core, two that wait would stall all.
fn commands_runtime() -> tokio::runtime::Runtime {
    match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(COMMAND_THREADS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Understudy cannot start its threads: {error}");
            std::process::exit(1);
        }
    }
}

/// A content security policy does not stop a page from navigating away with data in the address; this does.
fn stay_on_page<R: tauri::Runtime>() -> tauri::plugin::TauriPlugin<R> {
    tauri::plugin::Builder::new("stay-on-page")
        .on_navigation(|_, url| {
            let own = matches!(
                (url.scheme(), url.host_str()),
                ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost"))
            );
            own || (tauri::is_dev() && url.host_str() == Some("localhost"))
        })
        .build()
}

fn tell_drop(window: &tauri::Window, drag: &DragDropEvent) {
    let event = match drag {
        DragDropEvent::Enter { paths, .. } => FileDropEvent::new(true, paths),
        DragDropEvent::Drop { paths, .. } => FileDropEvent::new(false, paths),
        DragDropEvent::Leave => FileDropEvent::new(false, &[]),
        _ => return,
    };
    if let Err(error) = event.emit(window) {
        eprintln!("a dropped file could not be told to the page: {error}");
    }
}
