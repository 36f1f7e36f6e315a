//! Loops over plain `f32` slices: what the operations are made of on the CPU.
//!
//! Every kernel is compiled for AVX-512, AVX2+FMA and the plain target, chosen at run time by the processor. Work is
//! divided into parts that depend on sizes and on the number of threads only, and partial sums are added in the order
//! of the parts: the same inputs on the same number of threads give the same bits.

pub mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
pub mod bf16;
pub mod elementwise;
#[cfg(target_arch = "x86_64")]
pub mod f32;
pub mod layer_norm;
#[cfg(target_arch = "x86_64")]
mod lines;
pub mod math;
pub mod matmul;
#[cfg(target_arch = "x86_64")]
mod operand;
pub mod parallel;
#[cfg(target_arch = "x86_64")]
mod wide;
