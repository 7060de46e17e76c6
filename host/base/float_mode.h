/* SPDX-License-Identifier: MIT */
/* The floating-point mode of a thread: rounding, flushing of denormals, traps. The arithmetic needs
 * the default mode, and a host program may have set another (a library that is linked with
 * -ffast-math does so when it is loaded). Every public function that computes, and every thread,
 * begins with
 *     LS_FLOAT_MODE(mode);
 * which sets the default mode, and gives the caller's back where the function returns. Around a
 * callback, ls_float_mode_give and ls_float_mode_take do the same the other way round.
 *
 * Compilers do not move loads and stores across these, so what is computed from memory is computed
 * in the default mode. */
#ifndef LS_FLOAT_MODE_H
#define LS_FLOAT_MODE_H

#include <stdint.h>
#if !defined(__SSE__) && !defined(__aarch64__) && !(defined(__arm__) && defined(__ARM_FP))
#include <fenv.h>
#endif

#define LS_FLOAT_MODE(name)                                                                        \
    __attribute__((cleanup(ls_float_mode_give))) ls_float_mode name;                               \
    ls_float_mode_take(&name)

#if defined(__SSE__)

/* SSE's control and status register, and the control word of the x87, which computes long double
 * and, on 32-bit machines, returns numbers. */
typedef struct {
    uint32_t sse;
    uint16_t x87;
} ls_float_mode;

enum {
    LS_SSE_FLAGS = 0x3f,        /* exceptions that have occurred: no part of the mode */
    LS_SSE_DEFAULT = 0x1f80,    /* to nearest, no traps, denormals kept */
    LS_X87_DEFAULT = 0x37f,     /* to nearest, no traps, 64 bits */
    LS_X87_MODE = 0xf00 | 0x3f, /* the bits with a meaning */
};

static inline void ls_float_mode_set(uint32_t sse, uint16_t x87)
{
    /* unmasked exceptions that are pending would trap */
    __asm__ volatile("ldmxcsr %0\n\tfnclex\n\tfldcw %1" : : "m"(sse), "m"(x87) : "memory");
}

static inline void ls_float_mode_take(ls_float_mode *caller)
{
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(caller->sse), "=m"(caller->x87) : : "memory");
    if ((caller->sse & ~(uint32_t)LS_SSE_FLAGS) != LS_SSE_DEFAULT ||
        (caller->x87 & LS_X87_MODE) != (LS_X87_DEFAULT & LS_X87_MODE))
        ls_float_mode_set(LS_SSE_DEFAULT | (caller->sse & LS_SSE_FLAGS), LS_X87_DEFAULT);
}

static inline void ls_float_mode_give(const ls_float_mode *caller)
{
    if ((caller->sse & ~(uint32_t)LS_SSE_FLAGS) != LS_SSE_DEFAULT ||
        (caller->x87 & LS_X87_MODE) != (LS_X87_DEFAULT & LS_X87_MODE))
        ls_float_mode_set(caller->sse, caller->x87);
}

#elif defined(__aarch64__)

typedef struct {
    uint64_t fpcr; /* the default is 0 */
} ls_float_mode;

static inline void ls_float_mode_set(uint64_t fpcr)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr) : "memory");
}

static inline void ls_float_mode_take(ls_float_mode *caller)
{
    __asm__ volatile("mrs %0, fpcr" : "=r"(caller->fpcr) : : "memory");
    if (caller->fpcr) ls_float_mode_set(0);
}

static inline void ls_float_mode_give(const ls_float_mode *caller)
{
    if (caller->fpcr) ls_float_mode_set(caller->fpcr);
}

#elif defined(__arm__) && defined(__ARM_FP)

typedef struct {
    uint32_t fpscr; /* the default is 0 */
} ls_float_mode;

enum { LS_FPSCR_MODE = 0x07f79f00 };

static inline void ls_float_mode_set(uint32_t fpscr)
{
    __asm__ volatile("vmsr fpscr, %0" : : "r"(fpscr) : "memory");
}

static inline void ls_float_mode_take(ls_float_mode *caller)
{
    __asm__ volatile("vmrs %0, fpscr" : "=r"(caller->fpscr) : : "memory");
    if (caller->fpscr & LS_FPSCR_MODE) ls_float_mode_set(0);
}

static inline void ls_float_mode_give(const ls_float_mode *caller)
{
    if (caller->fpscr & LS_FPSCR_MODE) ls_float_mode_set(caller->fpscr);
}

#else

typedef struct {
    fenv_t env;
} ls_float_mode;

static inline void ls_float_mode_take(ls_float_mode *caller)
{
    fegetenv(&caller->env);
    fesetenv(FE_DFL_ENV);
}

static inline void ls_float_mode_give(const ls_float_mode *caller) { fesetenv(&caller->env); }

#endif
#endif
