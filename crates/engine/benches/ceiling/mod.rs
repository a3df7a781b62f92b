//! What the processor could do at most: multiply-adds on registers only, without memory, with the instruction set that
//! the engine's kernels use.
#![allow(
    unsafe_code,
    reason = "functions that enable an instruction set are called where the processor has it"
)]

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// Rounds of a timed run: a few milliseconds, so that on a busy machine some runs pass undisturbed.
const ROUNDS: u64 = 2_000_000;
/// Timed runs, of which the fastest counts: other programs and changing clocks only slow down.
const RUNS: usize = 100;
/// What keeps the sums near 1, far from infinities and from denormal numbers.
const FACTOR: f32 = 0.999;
const SUMMAND: f32 = 0.001;

/// The most GFLOP/s that an instruction set gives.
pub(crate) struct Ceiling {
    /// The instruction set, for people.
    pub(crate) name: &'static str,
    /// Of one thread.
    pub(crate) one: f64,
    /// Of so many threads as were asked for, together.
    pub(crate) all: f64,
}

/// An instruction set and its loop.
struct Loop {
    name: &'static str,
    /// Runs so many rounds; the result depends on all of them.
    run: fn(u64) -> f32,
    /// Floating-point operations of a round: two for each multiply-add of each lane.
    flops: usize,
}

impl Ceiling {
    /// Measures the instruction set that an engine's description names.
    pub(crate) fn measure(description: &str, threads: usize) -> Self {
        let set = instruction_set(description);
        let one = set.speed(1);
        Self { name: set.name, one, all: if threads == 1 { one } else { set.speed(threads) } }
    }
}

impl std::fmt::Display for Ceiling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, one, all } = self;
        write!(f, "ceiling of {name}: {one:.1} GFLOP/s a thread, {all:.1} GFLOP/s all threads together")
    }
}

impl Loop {
    /// GFLOP/s of so many threads together.
    fn speed(&self, threads: usize) -> f64 {
        let times = (0..RUNS).map(|_| self.time(threads));
        let fastest = times.fold(f64::INFINITY, f64::min);
        self.flops as f64 * ROUNDS as f64 * threads as f64 / fastest / 1e9
    }

    /// Seconds from when the first thread begins until the last is done.
    fn time(&self, threads: usize) -> f64 {
        let barrier = Barrier::new(threads);
        // The threads themselves look at the clock: another one might get its turn only after they are done.
        let timed = || {
            barrier.wait();
            let begin = Instant::now();
            black_box((self.run)(black_box(ROUNDS)));
            (begin, Instant::now())
        };
        let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let begin = spans.iter().map(|&(begin, _)| begin).min();
        let end = spans.iter().map(|&(_, end)| end).max();
        begin.zip(end).map_or(f64::INFINITY, |(begin, end)| (end - begin).as_secs_f64())
    }
}

/// The loop of the instruction set that a description names, else of what every processor of the kind has.
#[cfg(target_arch = "x86_64")]
fn instruction_set(description: &str) -> Loop {
    x86::named(&description.replace('-', "").to_uppercase())
}

/// The loop of what every processor of the kind has.
#[cfg(not(target_arch = "x86_64"))]
fn instruction_set(_: &str) -> Loop {
    #[cfg(target_arch = "aarch64")]
    return neon::NEON;
    #[cfg(not(target_arch = "aarch64"))]
    return plain::PLAIN;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm_add_ps, _mm_cvtss_f32, _mm_mul_ps, _mm_set1_ps, _mm256_add_ps, _mm256_cvtss_f32, _mm256_fmadd_ps,
        _mm256_set1_ps, _mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps,
    };

    use super::{FACTOR, Loop, SUMMAND, black_box};

    // Two multiply-adds a cycle that take four cycles each need eight independent sums; five cycles need ten.
    const SUMS: usize = 12;

    /// The best set that is named in capitals without hyphens and that the processor has.
    pub(super) fn named(description: &str) -> Loop {
        if description.contains("AVX512") && is_x86_feature_detected!("avx512f") {
            AVX512
        } else if description.contains("AVX2")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
        {
            AVX2
        } else {
            SSE2
        }
    }

    /// What code for every processor is compiled to: multiplications and additions, nothing fused.
    const SSE2: Loop = Loop {
        name: "SSE2",
        // SAFETY: every processor of this kind has SSE2.
        run: |rounds| unsafe { sse2(rounds) },
        flops: 2 * 4 * SUMS,
    };

    const AVX2: Loop = Loop {
        name: "AVX2+FMA",
        // SAFETY: chosen only where the processor has AVX2 and FMA.
        run: |rounds| unsafe { avx2(rounds) },
        flops: 2 * 8 * SUMS,
    };

    const AVX512: Loop = Loop {
        name: "AVX-512",
        // SAFETY: chosen only where the processor has AVX-512F.
        run: |rounds| unsafe { avx512(rounds) },
        flops: 2 * 16 * SUMS,
    };

    #[target_feature(enable = "sse2")]
    fn sse2(rounds: u64) -> f32 {
        let (factor, summand) = (_mm_set1_ps(black_box(FACTOR)), _mm_set1_ps(black_box(SUMMAND)));
        let mut sums = [_mm_set1_ps(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm_add_ps(_mm_mul_ps(*sum, factor), summand);
            }
        }
        _mm_cvtss_f32(sums.into_iter().fold(summand, |total, sum| _mm_add_ps(total, sum)))
    }

    #[target_feature(enable = "avx2,fma")]
    fn avx2(rounds: u64) -> f32 {
        let (factor, summand) = (_mm256_set1_ps(black_box(FACTOR)), _mm256_set1_ps(black_box(SUMMAND)));
        let mut sums = [_mm256_set1_ps(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, summand);
            }
        }
        _mm256_cvtss_f32(sums.into_iter().fold(summand, |total, sum| _mm256_add_ps(total, sum)))
    }

    #[target_feature(enable = "avx512f")]
    fn avx512(rounds: u64) -> f32 {
        let (factor, summand) = (_mm512_set1_ps(black_box(FACTOR)), _mm512_set1_ps(black_box(SUMMAND)));
        let mut sums = [_mm512_set1_ps(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, summand);
            }
        }
        sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::{vaddvq_f32, vdupq_n_f32, vfmaq_f32};

    use super::{FACTOR, Loop, SUMMAND, black_box};

    // Four multiply-adds a cycle that take four cycles each need sixteen independent sums.
    const SUMS: usize = 20;

    pub(super) const NEON: Loop = Loop {
        name: "NEON",
        // SAFETY: every processor of this kind has NEON.
        run: |rounds| unsafe { neon(rounds) },
        flops: 2 * 4 * SUMS,
    };

    #[target_feature(enable = "neon")]
    fn neon(rounds: u64) -> f32 {
        let (factor, summand) = (vdupq_n_f32(black_box(FACTOR)), vdupq_n_f32(black_box(SUMMAND)));
        let mut sums = [vdupq_n_f32(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                // The instruction overwrites its summand.
                *sum = vfmaq_f32(*sum, factor, summand);
            }
        }
        sums.into_iter().map(|sum| vaddvq_f32(sum)).sum()
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod plain {
    use super::{FACTOR, Loop, SUMMAND, black_box};

    const SUMS: usize = 12;

    /// Multiplications and additions of single numbers.
    pub(super) const PLAIN: Loop = Loop { name: "plain code", run: plain, flops: 2 * SUMS };

    fn plain(rounds: u64) -> f32 {
        let (factor, summand) = (black_box(FACTOR), black_box(SUMMAND));
        let mut sums = [1.0_f32; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = *sum * factor + summand;
            }
        }
        sums.iter().sum()
    }
}
