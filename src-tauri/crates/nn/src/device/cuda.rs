//! Kernels of our own on NVIDIA's cards, compiled by the driver's compiler when they are first needed.

use std::sync::OnceLock;

use candle_core::cuda_backend::cudarc::driver::{LaunchConfig, PushKernelArg};
use candle_core::cuda_backend::cudarc::nvrtc::compile_ptx;
use candle_core::{CudaStorage, Error, Layout, Result, Shape};

use crate::random::DropoutMask;

const SOURCE: &str = include_str!("dropout.cu");

/// Threads of a block.
const BLOCK: u32 = 256;

/// As [`super::factors`] on the processor.
pub(super) fn factors(
    mask: &DropoutMask,
    columns: usize,
    starts: &CudaStorage,
    layout: &Layout,
) -> Result<(CudaStorage, Shape)> {
    let Some((from, to)) = layout.contiguous_offsets() else {
        candle_core::bail!("the starts of a dropout mask do not lie side by side");
    };
    let (device, rows) = (starts.device.clone(), to - from);
    let starts = starts.as_cuda_slice::<u32>()?.slice(from..to);
    let count = rows * columns;
    // SAFETY: the kernel writes every number.
    let mut out = unsafe { device.alloc::<f32>(count) }?;
    let function = device.get_or_load_custom_func("dropout_factors", "understudy_dropout", ptx()?)?;
    let (columns_argument, count_argument) = (columns as u32, count as u64);
    let (key, threshold, scale) = mask.parts();
    let mut launch = function.builder();
    launch
        .arg(&mut out)
        .arg(&starts)
        .arg(&columns_argument)
        .arg(&count_argument);
    launch.arg(&key).arg(&threshold).arg(&scale);
    let grid = u32::try_from(count.div_ceil(BLOCK as usize)).map_err(Error::wrap)?;
    let configuration = LaunchConfig {
        grid_dim: (grid.max(1), 1, 1),
        block_dim: (BLOCK, 1, 1),
        shared_mem_bytes: 0,
    };
    // SAFETY: the arguments are those of the kernel, and it writes within `count` numbers.
    unsafe { launch.launch(configuration) }.map_err(Error::wrap)?;
    Ok((
        CudaStorage::wrap_cuda_slice(out, device),
        Shape::from((rows, columns)),
    ))
}

/// The kernel's machine code, compiled once.
fn ptx() -> Result<&'static str> {
    static PTX: OnceLock<String> = OnceLock::new();
    if let Some(ptx) = PTX.get() {
        return Ok(ptx);
    }
    let compiled = compile_ptx(SOURCE).map_err(Error::wrap)?;
    Ok(PTX.get_or_init(|| compiled.to_src()))
}
