//! The factors of dropout on a device: the same bits as on the processor, so that a run has the same masks anywhere.

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use crate::random::DropoutMask;

/// The factors of `starts.len()` rows of `columns` elements, of which the first in each row is element `starts[row]` of
/// the mask's stream: `[rows, columns]`, 32 bits.
pub(super) fn factors(mask: DropoutMask, starts: &Tensor, columns: usize) -> Result<Tensor> {
    if let Device::Metal(_) = starts.device() {
        // No kernel there yet: the masks alone are made here and copied.
        let factors = of_rows(mask, &starts.to_vec1()?, columns);
        return Tensor::from_vec(factors, (starts.dims1()?, columns), starts.device());
    }
    starts.apply_op1_no_bwd(&Factors { mask, columns })
}

fn of_rows(mask: DropoutMask, starts: &[u32], columns: usize) -> Vec<f32> {
    let of_row = |&start: &u32| (0..columns as u32).map(move |column| start.wrapping_add(column));
    starts
        .iter()
        .flat_map(of_row)
        .map(|index| mask.factor(index))
        .collect()
}

struct Factors {
    mask: DropoutMask,
    columns: usize,
}

impl CustomOp1 for Factors {
    fn name(&self) -> &'static str {
        "dropout factors"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let starts = storage.as_slice::<u32>()?;
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("the starts of a dropout mask do not lie side by side");
        };
        let factors = of_rows(self.mask, &starts[from..to], self.columns);
        Ok((CpuStorage::F32(factors), Shape::from((to - from, self.columns))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        storage: &candle_core::CudaStorage,
        layout: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        super::cuda::factors(&self.mask, self.columns, storage, layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    /// The kernel for graphics cards, compiled for the processor: a thread is a turn of a loop.
    #[test]
    fn the_kernel_drops_what_the_processor_drops() {
        let mask = DropoutMask::new(Key::new(11), 0.25);
        let (starts, columns) = ([0_u32, 1000, u32::MAX - 3, 77], 9_u32);
        let (key, threshold, scale) = mask.parts();
        let program = format!(
            r#"#include <stdio.h>
#define __global__
struct {{ unsigned int x; }} blockIdx, blockDim, threadIdx;
{kernel}
int main(void) {{
    unsigned int starts[] = {{{starts}}};
    static float out[4 * {columns}];
    blockDim.x = 16;
    for (blockIdx.x = 0; blockIdx.x < 3; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
            dropout_factors(out, starts, {columns}, 4 * {columns}, {key}u, {threshold}u, {scale:?}f);
    for (int i = 0; i < 4 * {columns}; i++) printf("%.9g\n", out[i]);
}}"#,
            kernel = include_str!("dropout.cu"),
            starts = starts.map(|start| format!("{start}u")).join(", "),
        );
        let folder = tempfile::tempdir().unwrap();
        let (source, binary) = (folder.path().join("kernel.c"), folder.path().join("kernel"));
        std::fs::write(&source, program).unwrap();
        // The linker that Rust itself needs.
        let built = std::process::Command::new("cc")
            .arg("-o")
            .arg(&binary)
            .arg(&source)
            .status()
            .unwrap();
        assert!(built.success());
        let printed = std::process::Command::new(&binary).output().unwrap().stdout;
        let found: Vec<f32> = String::from_utf8(printed)
            .unwrap()
            .lines()
            .map(|line| line.parse().unwrap())
            .collect();
        let expected: Vec<f32> = starts
            .iter()
            .flat_map(|&start| (0..columns).map(move |column| start.wrapping_add(column)))
            .map(|index| mask.factor(index))
            .collect();
        assert_eq!(found, expected);
        assert!(found.contains(&0.0));
    }

    #[test]
    fn a_device_drops_what_the_processor_drops() {
        let mask = DropoutMask::new(Key::new(3), 0.3);
        let starts = Tensor::from_slice(&[0_u32, 7, 14, 21, 28], 5, &Device::Cpu).unwrap();
        let found = factors(mask, &starts, 7)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let expected: Vec<f32> = (0..35).map(|i| mask.factor(i)).collect();
        assert_eq!(found, expected);
        assert!(found.contains(&0.0) && found.iter().any(|&factor| factor > 1.0));
    }
}
