/* SPDX-License-Identifier: MIT */
/* The few vector operations that the CPU path's products need, one set per instruction set. A
 * vector has VW lanes; the register tile is MR × (NV·VW). v_fma(a, b, c) is a·b + c with one
 * rounding in every set. LS_TILE_ROWS and LS_TILE_VECTORS replace the tile of the set, see tile.c.
 */
#ifndef LS_VEC_H
#define LS_VEC_H

#include <math.h>

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512 vf;
enum { VW = 16, SET_ROWS = 12, SET_VECTORS = 2 };
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
static inline vf v_set(float a) { return _mm512_set1_ps(a); }
static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
typedef __m256 vf;
enum { VW = 8, SET_ROWS = 6, SET_VECTORS = 2 };
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
static inline vf v_set(float a) { return _mm256_set1_ps(a); }
static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }

#elif defined(__aarch64__)
#include <arm_neon.h>
typedef float32x4_t vf;
enum { VW = 4, SET_ROWS = 8, SET_VECTORS = 2 };
static inline vf v_load(const float *p) { return vld1q_f32(p); }
static inline void v_store(float *p, vf a) { vst1q_f32(p, a); }
static inline vf v_set(float a) { return vdupq_n_f32(a); }
static inline vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }

#else
typedef float vf;
enum { VW = 1, SET_ROWS = 4, SET_VECTORS = 4 };
static inline vf v_load(const float *p) { return *p; }
static inline void v_store(float *p, vf a) { *p = a; }
static inline vf v_set(float a) { return a; }
static inline vf v_add(vf a, vf b) { return a + b; }
static inline vf v_fma(vf a, vf b, vf c) { return fmaf(a, b, c); }
#endif

#if defined(LS_TILE_ROWS)
enum { MR = LS_TILE_ROWS, NV = LS_TILE_VECTORS };
#else
enum { MR = SET_ROWS, NV = SET_VECTORS };
#endif
enum { NR = NV * VW };

#endif
