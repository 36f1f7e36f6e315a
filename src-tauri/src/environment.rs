//! What the system's web view needs of the environment, set before anything else runs.

/// Mends variables that would leave the window blank.
pub fn mend() {
    #[cfg(target_os = "linux")]
    linux::mend();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::env;
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
        // WebKitGTK draws nothing with NVIDIA's driver unless this is off (tauri-apps/tauri#9304).
        if Path::new("/proc/driver/nvidia/version").exists() && env::var_os(NO_DMABUF).is_none() {
            set(NO_DMABUF, "1");
        }
    }

    const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

    fn set(name: &str, value: &str) {
        // SAFETY: called first thing in `main`, before any other thread exists.
        unsafe { env::set_var(name, value) };
    }
}
