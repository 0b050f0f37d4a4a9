//! AVX2 and AVX-512.
//!
//! Every `unsafe` block here calls vendor intrinsics. A token is made only in [`with_avx2`] and [`with_avx512`], whose callers
//! have checked that the processor has the instructions; loads and stores check their slices first.

use crate::simd::{Simd, WithSimd};
use half::f16;
use std::arch::x86_64::*;
use std::sync::LazyLock;

static AVX2: LazyLock<bool> = LazyLock::new(|| {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
});

static AVX512: LazyLock<bool> = LazyLock::new(|| {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
});

// Asked at every dispatch, hence looked up once.
pub(super) fn has_avx2() -> bool {
    *AVX2
}

pub(super) fn has_avx512() -> bool {
    *AVX512
}

/// # Safety
/// The processor has AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn with_avx2<W: WithSimd>(work: W) -> W::Output {
    work.run(Avx2(()))
}

/// # Safety
/// The processor has AVX-512 F, BW, DQ and VL, and AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn with_avx512<W: WithSimd>(work: W) -> W::Output {
    work.run(Avx512(()))
}

#[derive(Clone, Copy)]
pub(super) struct Avx2(());

#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Methods that are one expression of intrinsics.
macro_rules! intrinsics {
    ($(fn $name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $ty),*) -> $out {
            // SAFETY: the token shows that the processor has the instructions.
            unsafe { $body }
        }
    )*};
}

impl Simd for Avx2 {
    type V = __m256;
    type M = __m256;
    const LANES: usize = 8;

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        assert!(from.len() >= 8);
        // SAFETY: the token; eight elements are there.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, x: __m256, to: &mut [f32]) {
        assert!(to.len() >= 8);
        // SAFETY: the token; there is room for eight elements.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), x) }
    }
    #[inline(always)]
    fn load_f16(self, from: &[f16]) -> __m256 {
        assert!(from.len() >= 8);
        // SAFETY: the token; eight elements are there.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store_f16(self, x: __m256, to: &mut [f16]) {
        assert!(to.len() >= 8);
        // SAFETY: the token; there is room for eight elements.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x)) }
    }
    intrinsics! {
        fn splat(x: f32) -> __m256 = _mm256_set1_ps(x);
        fn round_f16(x: __m256) -> __m256 = _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x));
        fn add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        fn sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        fn mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        fn div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        fn fma(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        fn sqrt(a: __m256) -> __m256 = _mm256_sqrt_ps(a);
        fn abs(a: __m256) -> __m256 = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        fn neg(a: __m256) -> __m256 = _mm256_xor_ps(_mm256_set1_ps(-0.0), a);
        fn copysign(a: __m256, b: __m256) -> __m256 = {
            let sign = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b))
        };
        fn floor(a: __m256) -> __m256 = _mm256_floor_ps(a);
        fn ceil(a: __m256) -> __m256 = _mm256_ceil_ps(a);
        fn round(a: __m256) -> __m256 = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        fn lt(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LT_OQ>(a, b);
        fn le(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LE_OQ>(a, b);
        fn eq(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b);
        fn select(m: __m256, a: __m256, b: __m256) -> __m256 = _mm256_blendv_ps(b, a, m);
        fn min(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        fn max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        fn scale(x: __m256, n: __m256) -> __m256 = {
            // In two steps, so that neither factor leaves the normal range: the first is exact.
            let half = _mm256_floor_ps(_mm256_mul_ps(n, _mm256_set1_ps(0.5)));
            let bias = _mm256_set1_epi32(127);
            let first = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvttps_epi32(half), bias));
            let rest = _mm256_cvttps_epi32(_mm256_sub_ps(n, half));
            let second = _mm256_slli_epi32::<23>(_mm256_add_epi32(rest, bias));
            let x = _mm256_mul_ps(x, _mm256_castsi256_ps(first));
            _mm256_mul_ps(x, _mm256_castsi256_ps(second))
        };
        fn frexp(x: __m256) -> (__m256, __m256) = {
            let shifted = _mm256_add_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(super::FREXP_SHIFT as i32));
            let e = _mm256_sub_epi32(_mm256_srli_epi32::<23>(shifted), _mm256_set1_epi32(127));
            let fraction = _mm256_and_si256(shifted, _mm256_set1_epi32(0x007f_ffff));
            let m = _mm256_add_epi32(fraction, _mm256_set1_epi32(super::SQRT_HALF as i32));
            (_mm256_cvtepi32_ps(e), _mm256_castsi256_ps(m))
        };
    }
}

impl Simd for Avx512 {
    type V = __m512;
    type M = __mmask16;
    const LANES: usize = 16;

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        assert!(from.len() >= 16);
        // SAFETY: the token; sixteen elements are there.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, x: __m512, to: &mut [f32]) {
        assert!(to.len() >= 16);
        // SAFETY: the token; there is room for sixteen elements.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), x) }
    }
    #[inline(always)]
    fn load_f16(self, from: &[f16]) -> __m512 {
        assert!(from.len() >= 16);
        // SAFETY: the token; sixteen elements are there.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store_f16(self, x: __m512, to: &mut [f16]) {
        assert!(to.len() >= 16);
        // SAFETY: the token; there is room for sixteen elements.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x)) }
    }
    intrinsics! {
        fn splat(x: f32) -> __m512 = _mm512_set1_ps(x);
        fn round_f16(x: __m512) -> __m512 = _mm512_cvtph_ps(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x));
        fn add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        fn sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        fn mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        fn div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        fn fma(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        fn sqrt(a: __m512) -> __m512 = _mm512_sqrt_ps(a);
        fn abs(a: __m512) -> __m512 = _mm512_andnot_ps(_mm512_set1_ps(-0.0), a);
        fn neg(a: __m512) -> __m512 = _mm512_xor_ps(_mm512_set1_ps(-0.0), a);
        fn copysign(a: __m512, b: __m512) -> __m512 = {
            let sign = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, b))
        };
        fn floor(a: __m512) -> __m512 = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a);
        fn ceil(a: __m512) -> __m512 = _mm512_roundscale_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a);
        fn round(a: __m512) -> __m512 = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        fn lt(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        fn le(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
        fn eq(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
        fn select(m: __mmask16, a: __m512, b: __m512) -> __m512 = _mm512_mask_blend_ps(m, b, a);
        fn min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        fn max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        fn scale(x: __m512, n: __m512) -> __m512 = _mm512_scalef_ps(x, n);
        fn frexp(x: __m512) -> (__m512, __m512) = {
            let shifted = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(super::FREXP_SHIFT as i32));
            let e = _mm512_sub_epi32(_mm512_srli_epi32::<23>(shifted), _mm512_set1_epi32(127));
            let fraction = _mm512_and_si512(shifted, _mm512_set1_epi32(0x007f_ffff));
            let m = _mm512_add_epi32(fraction, _mm512_set1_epi32(super::SQRT_HALF as i32));
            (_mm512_cvtepi32_ps(e), _mm512_castsi512_ps(m))
        };
    }
}
