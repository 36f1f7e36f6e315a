//! Which device a model is to run on.

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{NnError, Result};

/// Where a training computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The processor, with kernels of our own.
    #[default]
    Cpu,
    /// The first graphics card of NVIDIA's, in a build with the feature `cuda`.
    Cuda,
    /// The graphics part of Apple's processors, in a build with the feature `metal`.
    Metal,
}

impl DeviceKind {
    /// The device; `None` for the processor. Never another than was asked for.
    ///
    /// # Errors
    /// [`NnError::NotBuiltFor`] where this build has none, [`NnError::NoDevice`] where this machine has none.
    pub fn open(self) -> Result<Option<Device>> {
        let opened = match self {
            DeviceKind::Cpu => return Ok(None),
            DeviceKind::Cuda if cfg!(feature = "cuda") => Device::new_cuda(0),
            DeviceKind::Metal if cfg!(feature = "metal") => Device::new_metal(0),
            DeviceKind::Cuda | DeviceKind::Metal => return Err(NnError::NotBuiltFor { kind: self }),
        };
        opened.map(Some).map_err(|error| NnError::NoDevice {
            kind: self,
            reason: super::words(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error_and_never_the_processor() {
        assert!(DeviceKind::Cpu.open().unwrap().is_none());
        if !cfg!(feature = "cuda") {
            let told = DeviceKind::Cuda.open();
            assert!(matches!(
                told,
                Err(NnError::NotBuiltFor {
                    kind: DeviceKind::Cuda
                })
            ));
        }
    }
}
