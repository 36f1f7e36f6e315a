//! What the system's web view needs of the environment, set before anything else runs.

/// Mends variables that would leave the window blank or slow.
pub fn mend() {
    #[cfg(target_os = "linux")]
    linux::mend();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::env;
    use std::fs;
    use std::path::Path;

    pub fn mend() {
        // Without a real locale WebKit calls the language "C", which `Intl` refuses: the page would stay blank.
        let language = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
        if language.is_none_or(|language| language.starts_with("C") || language == "POSIX") {
            set("LANG", "en_US.UTF-8");
            if env::var_os("LC_ALL").is_some() {
                set("LC_ALL", "en_US.UTF-8");
            }
        }
        if env::var_os(NO_DMABUF).is_none() && (nvidia_draws() || !card_draws()) {
            set(NO_DMABUF, "1");
        }
    }

    /// With NVIDIA's driver WebKitGTK draws nothing unless this is off (tauri-apps/tauri#9304).
    fn nvidia_draws() -> bool {
        Path::new("/proc/driver/nvidia/version").exists()
    }

    /// Whether any graphics card offers to draw. Without one WebKitGTK would compile shaders for the processor,
    /// which holds single frames up for half a second, and run them on the cores that are to import and train;
    /// painting without shaders keeps every frame under 50 ms (docs/performance.md).
    fn card_draws() -> bool {
        let nodes = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
        nodes
            .into_iter()
            .any(|node| node.file_name().to_string_lossy().starts_with("renderD"))
    }

    /// Off: the web view paints with the processor alone (since WebKitGTK 2.44).
    const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

    fn set(name: &str, value: &str) {
        // SAFETY: called first thing in `main`, before any other thread exists.
        unsafe { env::set_var(name, value) };
    }
}
