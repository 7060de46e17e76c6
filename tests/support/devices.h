/* SPDX-License-Identifier: MIT */
/* What tests of several devices share: the backends under test, awkward values, and hand-made
 * plans, so that a test can run one operation everywhere and compare all of memory bit by bit. */
#ifndef LS_SUPPORT_DEVICES_H
#define LS_SUPPORT_DEVICES_H

#include "host/network/backend.h"

/* ---- Backends -------------------------------------------------------------------------------- */

typedef struct {
    char name[192];
    ls_backend *backend;
    ls_device *device; /* owner of backend where it is an OpenCL device, otherwise NULL */
} test_backend;

enum { TEST_BACKENDS = 40 };

/* list[0] is the reference: the CPU path in plain C on one thread. The others: every other
 * instruction set on one thread, the best one on 2, 3 and 7 threads, and from list[opencl] on every
 * exact OpenCL device. */
typedef struct {
    test_backend list[TEST_BACKENDS];
    size_t count, opencl;
} test_backends;

/* Opens all of them; anything that cannot be opened fails the test. Without an exact OpenCL device
 * the test fails too where the environment says LOCKSTEP_REQUIRE_OPENCL=1; otherwise it goes on
 * without, and the log says why. */
void test_backends_open(test_backends *b);
/* Adds every OpenCL device twice more: with other tiles for its matrix products. */
void test_backends_add_tiles(test_backends *b);
void test_backends_close(test_backends *b);

/* ---- Values ---------------------------------------------------------------------------------- */

/* The same bits, or any two NaN: IEEE 754 does not define their payloads and signs. */
bool bits_equal(float a, float b);

typedef enum {
    VALUES_MODERATE, /* up to 8 in magnitude, 24 bits and 8 binades: every change of order shows */
    VALUES_TINY, /* half of them zeros of both signs, denormals and the smallest normal numbers */
    VALUES_HUGE, /* a few ±1e30, ±FLT_MAX, ±Inf and NaN among moderate ones */
    VALUES_COUNT
} test_values;
extern const char *const test_values_name[VALUES_COUNT];

/* Value i of the n of an array: a function of its arguments alone. Shares no code with the
 * product's random numbers. */
float test_value(test_values values, uint32_t seed, size_t i, size_t n);

/* ---- Hand-made plans ------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    size_t at, count;
    bool scratch; /* left with anything, so not compared */
} hand_array;

enum { HAND_OPS = 4, HAND_ARRAYS = 24, HAND_STEPS = 3, HAND_MEMBERS = 8 };

/* A plan whose arena is laid out array by array, at odd places and with guards in between. */
typedef struct {
    ls_plan plan;
    ls_op op[HAND_OPS];
    size_t ops;
    bool infer;     /* run as inference over rows [first, plan.rows) instead of as steps */
    bool sums_loss; /* steps report their losses */
    bool no_truth;  /* no independent definition for this one */
    size_t first;
    uint64_t step, steps; /* first step and how many */
    size_t members;       /* so many run in one call, from different contents of these arrays */
    ls_rates rates;
    ls_rows data;
    size_t origin; /* rows of the data before the plan's own */
    test_values values;
    uint32_t seed;
    hand_array array[HAND_ARRAYS];
    size_t arrays;
    float *arena;   /* its contents before a run */
    char what[128]; /* for messages */
} hand_plan;

/* An independent definition of what a plan does: turns the arena before into the arena after, and
 * sets the last step's loss. rows: rows of the last step. */
typedef void (*hand_truth)(const hand_plan *p, size_t rows, float *arena, float *loss);

/* An empty plan for one step of `rows` rows. */
void hand_begin(hand_plan *p, size_t rows, test_values values, uint32_t seed);
void hand_end(hand_plan *p);
/* Room for rows × columns values in the arena. */
ls_view hand_room(hand_plan *p, const char *name, size_t rows, size_t columns);
/* The same with their magnitudes, for what cannot be negative. */
ls_view hand_room_positive(hand_plan *p, const char *name, size_t rows, size_t columns);
/* Marks an array as one that the operation may leave with anything. */
void hand_scratch(hand_plan *p, ls_view view);
/* A data set of that many rows behind a few that are not the plan's, used in batches; the last
 * batch of an epoch may be a part of one. */
void hand_data(hand_plan *p, size_t rows, size_t batch, size_t features, size_t outputs);
/* Appends an operation. */
ls_op *hand_op(hand_plan *p, ls_op_kind kind, size_t in, size_t out);
/* What a view means in the plan's last step, given the arena; NULL for nowhere. */
float *hand_at(const hand_plan *p, float *arena, ls_view view);
/* Runs the plan everywhere and fails the test where memory, losses or outputs differ: between the
 * reference and `truth` (which may be NULL), and between the reference and each other backend. */
void hand_check(hand_plan *p, const test_backends *b, hand_truth truth);

/* ---- Parts of definitions, written from the contract ----------------------------------------- */

/* Rows of a chain, written out: a changed LS_CHUNK changes every model's bits and must show. */
enum { TRUTH_CHUNK = 64 };

/* Sum of n terms x (y NULL) or x·y: chains from 0 over TRUTH_CHUNK terms, the first chain's value
 * being the start of the sum. */
float truth_sum(const float *x, size_t x_step, const float *y, size_t y_step, size_t n);
float truth_act(ls_act f, float z);
float truth_act_grad(ls_act f, float z, float a);
/* Factor of element i under dropout: Philox4x32-10, counter (i / 4, purpose, step), word i mod 4,
 * 24 bits of it. */
float truth_dropout(const hand_plan *p, const ls_op *o, size_t i);
/* What brings a vector of that squared norm down to norm `limit`. */
float truth_limit(float square, float limit);

#endif
