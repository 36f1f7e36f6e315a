//! What this machine is: how much it can carry, in plain figures.

use std::path::Path;
use std::thread::available_parallelism;

use nvml_wrapper::Nvml;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, Gpus, MemoryRefreshKind, System};

/// This machine, as the window shows it. What the system does not tell is 0 or empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Machine {
    /// Operating system with version.
    pub os: String,
    /// The processor's name.
    pub cpu: String,
    /// Threads that can run at once.
    pub cores: u32,
    /// Memory, in bytes; in a container, what the container may use.
    pub memory_bytes: f64,
    /// Memory that programs can still get, in bytes.
    pub memory_free_bytes: f64,
    /// Room on the disk asked about, in bytes.
    pub disk_free_bytes: f64,
    /// Vector instructions that speed up learning, as in `avx2`.
    pub cpu_features: Vec<String>,
    /// The graphics processors. None of them is used by this version; they are told so that nobody wonders.
    pub gpus: Vec<Gpu>,
    /// Understudy's version.
    pub version: String,
}

/// A graphics processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Its own memory in bytes, where its driver tells.
    pub memory_bytes: Option<f64>,
    /// Of which free.
    pub memory_free_bytes: Option<f64>,
    /// What it can compute, as in `8.9` (NVIDIA).
    pub compute_capability: Option<String>,
}

/// Looks at this machine; `at` is a path on the disk that matters, which need not exist yet.
#[must_use]
pub fn machine(at: &Path) -> Machine {
    let (memory, memory_free) = memory();
    Machine {
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        cpu: cpu(),
        cores: available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory as f64,
        memory_free_bytes: memory_free as f64,
        disk_free_bytes: free_space(at) as f64,
        cpu_features: cpu_features(),
        gpus: gpus(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// All and free memory, in bytes.
fn memory() -> (u64, u64) {
    let Ok(mut system) = System::new() else {
        return (0, 0);
    };
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = (system.total_memory(), system.available_memory());
    // A container's limit is what a training run dies of.
    match system.cgroup_limits() {
        Some(limit) if limit.total_memory > 0 => (
            machine.0.min(limit.total_memory),
            machine.1.min(limit.free_memory),
        ),
        _ => machine,
    }
}

fn cpu() -> String {
    let Ok(mut system) = System::new() else {
        return String::new();
    };
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    system
        .cpus()
        .first()
        .map(|cpu| cpu.brand().trim().to_owned())
        .unwrap_or_default()
}

/// NVIDIA's by their driver's own library, all others by name.
fn gpus() -> Vec<Gpu> {
    let nvidia = nvidia();
    let Ok(gpus) = Gpus::new_with_refreshed_list() else {
        return nvidia;
    };
    let named = gpus.iter().filter_map(|gpu| gpu.model().or(gpu.vendor()));
    let others = named.filter(|name| nvidia.is_empty() || !name.to_ascii_lowercase().contains("nvidia"));
    let others: Vec<Gpu> = others
        .map(|name| Gpu {
            name: name.to_owned(),
            memory_bytes: None,
            memory_free_bytes: None,
            compute_capability: None,
        })
        .collect();
    nvidia.into_iter().chain(others).collect()
}

/// Empty where there is no such driver, which is no failure.
fn nvidia() -> Vec<Gpu> {
    let Ok(driver) = Nvml::init() else {
        return Vec::new();
    };
    let count = driver.device_count().unwrap_or(0);
    let devices = (0..count).filter_map(|index| driver.device_by_index(index).ok());
    devices
        .filter_map(|device| {
            let memory = device.memory_info().ok();
            let capability = device.cuda_compute_capability().ok();
            Some(Gpu {
                name: device.name().ok()?,
                memory_bytes: memory.as_ref().map(|memory| memory.total as f64),
                memory_free_bytes: memory.map(|memory| memory.free as f64),
                compute_capability: capability.map(|c| format!("{}.{}", c.major, c.minor)),
            })
        })
        .collect()
}

/// Room on the disk of the nearest folder above `at` that exists. Asked of the file system itself, which
/// knows quotas and mounts, rather than guessed from a list of disks.
fn free_space(at: &Path) -> u64 {
    let nearest = at
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("."));
    fs4::available_space(nearest).unwrap_or(0)
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<String> {
    let features = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
        // The standard library's word for it is not stable yet.
        ("amx-bf16", amx()),
    ];
    present(&features)
}

#[cfg(target_arch = "x86_64")]
fn amx() -> bool {
    let features = raw_cpuid::CpuId::new().get_extended_feature_info();
    features.is_some_and(|features| features.has_amx_bf16())
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<String> {
    use std::arch::is_aarch64_feature_detected;
    let features = [
        ("neon", is_aarch64_feature_detected!("neon")),
        ("fp16", is_aarch64_feature_detected!("fp16")),
        ("bf16", is_aarch64_feature_detected!("bf16")),
        ("i8mm", is_aarch64_feature_detected!("i8mm")),
    ];
    present(&features)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<String> {
    Vec::new()
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn present(features: &[(&str, bool)]) -> Vec<String> {
    features
        .iter()
        .filter(|(_, present)| *present)
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_system_a_core_memory_and_disk() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder.path().join("not").join("there"));
        assert!(!machine.os.is_empty());
        assert!(machine.cores >= 1);
        assert!(machine.memory_bytes >= machine.memory_free_bytes && machine.memory_free_bytes > 0.0);
        assert!(machine.disk_free_bytes > 0.0);
    }

    #[test]
    fn the_machine_has_exactly_the_window_s_fields() {
        let value = serde_json::to_value(machine(Path::new("/"))).unwrap();
        let mut fields: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let expected =
            "cores cpu cpu_features disk_free_bytes gpus memory_bytes memory_free_bytes os version";
        assert_eq!(fields.join(" "), expected);
    }
}
