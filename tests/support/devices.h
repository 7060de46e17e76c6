/* SPDX-License-Identifier: MIT */
/* For tests of several devices: the backends under test, awkward values, and hand-made plans, with
 * which a test runs one operation on all backends and compares all of memory bit by bit. */
#ifndef LS_SUPPORT_DEVICES_H
#define LS_SUPPORT_DEVICES_H

#include "host/network/backend.h"

/* ---- Backends -------------------------------------------------------------------------------- */

typedef struct {
    char name[192];
    ls_backend *backend;
    ls_device *device; /* owner of an OpenCL device's backend, otherwise NULL */
} test_backend;

enum { TEST_BACKENDS = 40 };

/* list[0] is the reference: the CPU path in plain C on one thread. It is followed by every other
 * instruction set on one thread, the best one on 2, 3 and 7 threads, and, from list[opencl] on,
 * every exact OpenCL device. */
typedef struct {
    test_backend list[TEST_BACKENDS];
    size_t count, opencl;
} test_backends;

/* Opens all of them; one that cannot be opened fails the test. Without an exact OpenCL device the
 * test fails, too, if the environment has LOCKSTEP_REQUIRE_OPENCL=1; otherwise the reason is
 * logged.
 */
void test_backends_open(test_backends *b);
/* Adds every OpenCL device twice more, with other tiles for its matrix products. */
void test_backends_add_tiles(test_backends *b);
void test_backends_close(test_backends *b);

/* ---- Values ---------------------------------------------------------------------------------- */

/* The same bits, or any two NaN: IEEE 754 does not define their payloads and signs. */
bool bits_equal(float a, float b);

typedef enum {
    VALUES_MODERATE, /* up to 8 in magnitude, 24 bits, 8 binades: a changed order changes bits */
    VALUES_TINY, /* half of them zeros of both signs, denormals and the smallest normal numbers */
    VALUES_HUGE, /* a few ±1e30, ±FLT_MAX, ±Inf and NaN among moderate ones */
    VALUES_COUNT
} test_values;
extern const char *const test_values_name[VALUES_COUNT];

/* Value i of an array of n: a function of its arguments alone, which shares no code with the
 * library's random numbers. */
float test_value(test_values values, uint32_t seed, size_t i, size_t n);

/* ---- Hand-made plans ------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    size_t at, count;
    bool scratch; /* contents are undefined after the run and not compared */
} hand_array;

enum { HAND_OPS = 4, HAND_ARRAYS = 24, HAND_STEPS = 3, HAND_MEMBERS = 8 };

/* A plan whose arena has one array after the other, at odd offsets and with guards in between. */
typedef struct {
    ls_plan plan;
    ls_op op[HAND_OPS];
    size_t ops;
    bool infer;     /* run as inference over rows [first, plan.rows) instead of as steps */
    bool sums_loss; /* steps report their losses */
    bool no_truth;  /* there is no independent definition */
    size_t first;
    uint64_t step, steps; /* first step and how many */
    size_t members;       /* run in one call, each with other contents of the arrays */
    ls_rates rates;
    ls_rows data;
    size_t origin; /* rows of the data before those of the plan */
    test_values values;
    uint32_t seed;
    hand_array array[HAND_ARRAYS];
    size_t arrays;
    float *arena;   /* its contents before a run */
    char what[128]; /* for messages */
} hand_plan;

/* An independent definition of what a plan does: changes the arena as all steps do, and sets the
 * loss of the last step, which has `rows` rows. */
typedef void (*hand_truth)(const hand_plan *p, size_t rows, float *arena, float *loss);

/* An empty plan for one step of `rows` rows. */
void hand_begin(hand_plan *p, size_t rows, test_values values, uint32_t seed);
void hand_end(hand_plan *p);
/* Room for rows × columns values in the arena. */
ls_view hand_room(hand_plan *p, const char *name, size_t rows, size_t columns);
/* The same with their magnitudes, for what cannot be negative. */
ls_view hand_room_positive(hand_plan *p, const char *name, size_t rows, size_t columns);
/* Marks an array whose contents are undefined after the operation. */
void hand_scratch(hand_plan *p, ls_view view);
/* Data of that many rows after a few rows that are not the plan's, used in batches; the last batch
 * of an epoch may be smaller. */
void hand_data(hand_plan *p, size_t rows, size_t batch, size_t features, size_t outputs);
/* Appends an operation. */
ls_op *hand_op(hand_plan *p, ls_op_kind kind, size_t in, size_t out);
/* Where a view points in the plan's last step, given the arena; NULL for LS_NOWHERE. */
float *hand_at(const hand_plan *p, float *arena, ls_view view);
/* Runs the plan on all backends and fails the test if memory, losses or outputs differ between the
 * reference and `truth` (which may be NULL) or between the reference and another backend. */
void hand_check(hand_plan *p, const test_backends *b, hand_truth truth);

/* ---- Parts of definitions, written from the contract ----------------------------------------- */

/* Rows per chain, independent of LS_CHUNK: changing that changes the bits of every model. */
enum { TRUTH_CHUNK = 64 };

/* Sum of n terms x (y NULL) or x·y: chains from 0 over TRUTH_CHUNK terms each; the sum starts with
 * the value of the first chain. */
float truth_sum(const float *x, size_t x_step, const float *y, size_t y_step, size_t n);
float truth_act(ls_act f, float z);
float truth_act_grad(ls_act f, float z, float a);
/* Factor of element i under dropout: Philox4x32-10, counter (i / 4, purpose, step), word i mod 4,
 * 24 bits of it. */
/* Words of the random block of that number, of the step that is checked. */
void truth_random(const hand_plan *p, uint32_t purpose, uint32_t block, uint32_t words[4]);
float truth_dropout(const hand_plan *p, const ls_op *o, size_t i);
/* The factor that reduces a vector of that squared norm to norm `limit`, or 1; NaN for an infinite
 * one. */
float truth_limit(float square, float limit);

#endif
