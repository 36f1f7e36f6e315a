//! Embeds the shell's configuration and capabilities.

fn main() {
    tauri_build::build();
}
