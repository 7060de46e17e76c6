/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "kernels/arith.h"
#include "tests/support/devices.h"
#ifdef LS_OPENCL
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_program.h"
#endif

/* ---- Backends -------------------------------------------------------------------------------- */

static void add_cpu(test_backends *b, const char *isa, unsigned threads)
{
    test_backend *t = &b->list[b->count++];
    ls_error err;
    snprintf(t->name, sizeof t->name, "CPU path, %s, %u thread%s", isa, threads,
             threads == 1 ? "" : "s");
    cr_assert_eq(ls_cpu_open(threads, isa, &t->backend, &err), LS_OK, "%s: %s", t->name,
                 err.message);
}

static void add_opencl(test_backends *b, const ls_device_info *info)
{
    test_backend *t = &b->list[b->count++];
    char index[16];
    ls_error err;
    snprintf(index, sizeof index, "%d", info->index);
    snprintf(t->name, sizeof t->name, "OpenCL device %d, %.120s", info->index, info->name);
    cr_assert_eq(ls_device_open(index, 0, 0, &t->device, &err), LS_OK, "%s: %s", t->name,
                 err.message);
    t->backend = t->device->backend;
}

#ifdef LS_OPENCL
/* Passes over elements as on GPUs; a few small groups, so that they loop over blocks. */
static void use_gpu_passes(ls_cl_device *d)
{
    ls_error err;
    ls_cl_release_kernels(d);
    d->pass_group = 8;
    d->pass_groups = 3;
    cr_assert_eq(ls_cl_build_kernels(d, &err), LS_OK, "%s", err.message);
}
#endif

/* Both families of product kernels in tiles that the tuner does not choose: small and odd, so that
 * there are many edges. */
void test_backends_add_tiles(test_backends *b)
{
#ifdef LS_OPENCL
    static const struct {
        const char *name;
        ls_cl_tile usual, large;
    } tiles[] = {
        {"register tiles", LS_REGISTER_TILE(5, 3, 4, 3, 64), LS_REGISTER_TILE(7, 1, 8, 2, 128)},
        {"local tiles", LS_LOCAL_TILE(32, 32, 16, 8, 8, 4),
         LS_DIRECT_TILE(32, 64, 16, 8, 8, 3, 1)}};
    size_t count = b->count;
    for (size_t i = b->opencl; i < count; i++)
        for (size_t k = 0; k < 2 && b->count < TEST_BACKENDS; k++) {
            test_backend *t = &b->list[b->count];
            add_opencl(b, ls_device_get_info(b->list[i].device));
            snprintf(t->name + strlen(t->name), sizeof t->name - strlen(t->name), ", %s",
                     tiles[k].name);
            ls_cl_device *d = (ls_cl_device *)t->backend;
            cr_assert(ls_cl_tile_fits(d, &tiles[k].usual), "%s: a tile of the test does not fit",
                      t->name);
            if (tiles[k].usual.family == LS_TILE_LOCAL) use_gpu_passes(d), d->is_cpu = false;
            for (int form = 0; form < LS_FORM_COUNT; form++) {
                d->tiles[form][LS_SIZE_NARROW] = d->tiles[form][LS_SIZE_SMALL] = tiles[k].usual;
                d->tiles[form][LS_SIZE_LARGE] = d->tiles[form][LS_SIZE_HUGE] =
                    ls_cl_tile_fits(d, &tiles[k].large) ? tiles[k].large : tiles[k].usual;
            }
        }
#else
    (void)b;
#endif
}

static void add_all_opencl(test_backends *b)
{
    ls_device_info **list;
    size_t count;
    char note[256], why[1024];
    ls_error err;
    cr_assert_eq(ls_devices_list(&list, &count, note, &err), LS_OK, "%s", err.message);
    snprintf(why, sizeof why, "%s", note);
    b->opencl = b->count;
    for (size_t i = 1; i < count; i++) {
        size_t length = strlen(why);
        if (list[i]->exact && b->count < TEST_BACKENDS) add_opencl(b, list[i]);
        else
            snprintf(why + length, sizeof why - length, "%s%.60s: %.120s", length ? "; " : "",
                     list[i]->name, list[i]->exact ? "one device too many" : list[i]->reason);
    }
    ls_devices_free(list);
    if (b->count > b->opencl) return;
    const char *required = getenv("LOCKSTEP_REQUIRE_OPENCL");
    if (required && !strcmp(required, "1")) cr_assert_fail("no exact OpenCL device: %s", why);
    cr_log_info("no exact OpenCL device (%s): the CPU path is only compared with itself", why);
}

void test_backends_open(test_backends *b)
{
    static const unsigned threads[] = {2, 3, 7};
    *b = (test_backends){0};
    add_cpu(b, "generic", 1);
    for (size_t i = 0; ls_cpu_isa_at(i); i++)
        if (strcmp(ls_cpu_isa_at(i), "generic")) add_cpu(b, ls_cpu_isa_at(i), 1);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        add_cpu(b, ls_cpu_isa_at(0), threads[i]);
    add_all_opencl(b);
}

void test_backends_close(test_backends *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->list[i].device) ls_device_close(b->list[i].device);
        else b->list[i].backend->slots->close(b->list[i].backend);
    b->count = 0;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static uint32_t to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

bool bits_equal(float a, float b) { return to_bits(a) == to_bits(b) || (isnan(a) && isnan(b)); }

const char *const test_values_name[VALUES_COUNT] = {"moderate", "tiny", "huge"};

static uint32_t mix(uint32_t u)
{
    u = (u ^ (u >> 16)) * 0x7feb352du;
    u = (u ^ (u >> 15)) * 0x846ca68bu;
    return u ^ (u >> 16);
}

float test_value(test_values values, uint32_t seed, size_t i, size_t n)
{
    static const float huge[] = {1e30f, -1e30f, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, 1e30f, NAN};
    uint32_t a = mix(seed * 0x9e3779b9u ^ mix((uint32_t)i + 1)), b = mix(a ^ 0x5bf03635u),
             kind = b >> 8;
    float unit = (float)((int32_t)(a >> 8) - 0x800000) * 0x1p-23f,
          moderate = ldexpf(unit, (int)(b & 7) - 4);
    if (values == VALUES_TINY) {
        switch (kind & 7) {
        case 0: return 0.0f;
        case 1: return -0.0f;
        case 2: return from_bits(a & 0x807fffffu);
        case 3: return ldexpf(unit, -110);
        default: return moderate;
        }
    }
    /* few, so that most chains over a long array have none: a NaN equals any other NaN */
    if (values == VALUES_HUGE && kind % (n < 64 ? 64 : 1024) < 8) return huge[kind & 7];
    return moderate;
}

/* ---- Hand-made plans ------------------------------------------------------------------------- */

static const float guard = 0x1.8765p+20f;

void hand_begin(hand_plan *p, size_t rows, test_values values, uint32_t seed)
{
    *p = (hand_plan){
        .plan = {.seed = 0x9876543210ull + seed,
                 .rows = rows,
                 .batch = rows,
                 .capacity = rows,
                 .mean = true,
                 .features = 1,
                 .outputs = 1},
        .step = 5,
        .steps = 1,
        .members = 1,
        .values = values,
        .seed = seed,
        .rates = {.rate = 0.05f, .rate_corrected = 0.06f, .correction2 = 1.5f, .keep = 0.999f}};
    p->data = (ls_rows){.rows = rows, .features = 1, .outputs = 1};
}

void hand_end(hand_plan *p)
{
    free(p->arena);
    free((void *)p->data.x);
    free((void *)p->data.t);
    free((void *)p->data.row_weight);
}

static void fill(const hand_plan *p, float *to, size_t n, uint32_t stream)
{
    for (size_t i = 0; i < n; i++) to[i] = test_value(p->values, p->seed * 64 + stream, i, n);
}

/* Appends n guards. */
static void add_guards(hand_plan *p, size_t n)
{
    p->arena = realloc(p->arena, (p->plan.arena + n) * sizeof *p->arena);
    cr_assert(p->arena);
    for (size_t i = 0; i < n; i++) p->arena[p->plan.arena++] = guard;
}

ls_view hand_room(hand_plan *p, const char *name, size_t rows, size_t columns)
{
    size_t n = rows * columns;
    cr_assert(p->arrays < HAND_ARRAYS);
    add_guards(p, 3 + 2 * (p->arrays % 5)); /* no multiple of a vector */
    hand_array *a = &p->array[p->arrays++];
    *a = (hand_array){name, p->plan.arena, n, false};
    p->arena = realloc(p->arena, (p->plan.arena + n) * sizeof *p->arena);
    cr_assert(p->arena);
    fill(p, p->arena + a->at, n, (uint32_t)p->arrays);
    p->plan.arena += n;
    return (ls_view){LS_ARENA, a->at};
}

ls_view hand_room_positive(hand_plan *p, const char *name, size_t rows, size_t columns)
{
    ls_view view = hand_room(p, name, rows, columns);
    for (size_t i = 0; i < rows * columns; i++)
        p->arena[view.at + i] = fabsf(p->arena[view.at + i]);
    return view;
}

void hand_scratch(hand_plan *p, ls_view view)
{
    for (size_t k = 0; k < p->arrays; k++) p->array[k].scratch |= p->array[k].at == view.at;
}

static float *new_data(const hand_plan *p, size_t n, uint32_t stream)
{
    float *data = calloc(n, sizeof *data);
    cr_assert(data);
    fill(p, data, n, stream);
    return data;
}

void hand_data(hand_plan *p, size_t rows, size_t batch, size_t features, size_t outputs)
{
    p->plan.rows = rows;
    p->plan.batch = p->plan.capacity = batch;
    p->plan.features = features;
    p->plan.outputs = outputs;
    p->origin = 3;
    rows += p->origin;
    p->data = (ls_rows){rows,
                        features,
                        outputs,
                        new_data(p, rows * features, 61),
                        new_data(p, rows * outputs, 62),
                        new_data(p, rows, 63)};
}

ls_op *hand_op(hand_plan *p, ls_op_kind kind, size_t in, size_t out)
{
    cr_assert(p->ops < HAND_OPS);
    p->op[p->ops] = (ls_op){.kind = kind, .layer = 0, .in = in, .out = out};
    return &p->op[p->ops++];
}

/* First row and number of rows of the last step, or of a whole inference block, worked out anew. */
static size_t last_batch(const hand_plan *p, size_t *first)
{
    const ls_plan *l = &p->plan;
    *first = 0;
    if (p->infer) return l->capacity;
    *first = (size_t)((p->step + p->steps - 1) % ((l->rows + l->batch - 1) / l->batch)) * l->batch;
    return l->rows - *first < l->batch ? l->rows - *first : l->batch;
}

float *hand_at(const hand_plan *p, float *arena, ls_view view)
{
    size_t row0;
    last_batch(p, &row0);
    if (p->plan.shuffle) row0 = 0;
    row0 += p->origin;
    switch (view.place) {
    case LS_ARENA: return arena + view.at;
    case LS_DATA_X: return (float *)p->data.x + view.at + row0 * p->data.features;
    case LS_DATA_T: return (float *)p->data.t + view.at + row0 * p->data.outputs;
    case LS_DATA_WEIGHT: return (float *)p->data.row_weight + view.at + row0;
    default: return NULL;
    }
}

/* Floats that a run returns besides the arena: the losses of the steps, or the outputs and losses
 * of the rows. */
static size_t extra(const hand_plan *p)
{
    return p->infer       ? (p->plan.rows - p->first) * (p->plan.outputs + 1)
           : p->sums_loss ? p->steps
                          : 0;
}

static const hand_array *array_at(const hand_plan *p, size_t i)
{
    for (size_t k = 0; k < p->arrays; k++)
        if (i >= p->array[k].at && i < p->array[k].at + p->array[k].count) return &p->array[k];
    return NULL;
}

/* Fails the test at the first float that differs, naming the array it is in. */
static void compare(const hand_plan *p, const char *name, const float *got, const float *expected,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bits_equal(got[i], expected[i])) continue;
        const hand_array *a = array_at(p, i);
        if (a && a->scratch) continue;
        const char *where = a                   ? a->name
                            : i < p->plan.arena ? "outside any array, arena"
                            : p->infer          ? "results"
                                                : "losses";
        size_t at = a ? i - a->at : i < p->plan.arena ? i : i - p->plan.arena;
        cr_assert_fail("%s: %s has %a at %s[%zu], not %a", p->what, name, (double)got[i], where, at,
                       (double)expected[i]);
    }
}

/* Writes the arena of member k: the plan's, with each array rotated by k, so that the results of
 * members differ. */
static void write_member(const hand_plan *p, ls_workspace *workspace, size_t k, float *start)
{
    ls_error err = {.message = ""};
    memcpy(start, p->arena, p->plan.arena * sizeof *start);
    for (size_t a = 0; a < p->arrays; a++)
        for (size_t i = 0; i < p->array[a].count; i++)
            start[p->array[a].at + i] = p->arena[p->array[a].at + (i + k) % p->array[a].count];
    cr_assert_eq(workspace->backend->slots->write(workspace, k, 0, p->plan.arena, start, &err),
                 LS_OK, "%s", err.message);
}

static void run_members(const hand_plan *p, ls_workspace *workspace, const char *name,
                        float *losses)
{
    const ls_backend_slots *s = workspace->backend->slots;
    ls_rates rates[HAND_STEPS] = {p->rates, p->rates, p->rates};
    ls_run runs[HAND_MEMBERS];
    ls_error err = {.message = ""};
    ls_status status = LS_OK;
    size_t rows = p->plan.rows - p->first, more = extra(p);
    for (size_t k = 0; k < p->members; k++)
        runs[k] = (ls_run){.member = k,
                           .first = p->step,
                           .count = p->steps,
                           .rates = rates,
                           .losses = losses + k * more,
                           .keep = true};
    for (size_t k = 0; k < p->members && p->infer && status == LS_OK; k++) {
        float *outputs = losses + k * more;
        status = s->infer(workspace, k, p->first, rows, outputs, outputs + rows * p->plan.outputs,
                          &err);
    }
    if (!p->infer) status = s->run(workspace, runs, p->members, &err);
    cr_assert_eq(status, LS_OK, "%s on %s: %s", p->what, name, err.message);
}

/* Arena and losses or outputs of each member, one after the other. */
static void run_on(const hand_plan *p, const test_backend *t, float *result)
{
    const ls_backend_slots *s = t->backend->slots;
    const size_t n = p->plan.arena, more = extra(p);
    ls_error err = {.message = ""};
    ls_workspace *workspace;
    /* the losses of steps without LOSS_SUM are undefined; they need room but are not compared */
    float *losses = calloc(p->members * more + HAND_STEPS, sizeof *losses);
    cr_assert(losses);
    cr_assert_eq(s->workspace_open(t->backend, &p->data, &workspace, &err), LS_OK, "%s: %s",
                 t->name, err.message);
    for (size_t k = 0, member; k < p->members; k++) {
        cr_assert_eq(s->member_add(workspace, &p->plan, p->origin, &member, &err), LS_OK, "%s: %s",
                     t->name, err.message);
        cr_assert_eq(member, k, "%s: member %zu has number %zu", t->name, k, member);
    }
    for (size_t k = 0; k < p->members; k++) write_member(p, workspace, k, result);
    run_members(p, workspace, t->name, losses);
    for (size_t k = 0; k < p->members; k++, result += n + more) {
        cr_assert_eq(s->read(workspace, k, 0, n, result, &err), LS_OK, "%s: %s", t->name,
                     err.message);
        memcpy(result + n, losses + k * more, more * sizeof *result);
    }
    s->workspace_close(workspace);
    free(losses);
}

static void check_guards(const hand_plan *p, const float *arena)
{
    size_t at = 0;
    for (size_t k = 0; k <= p->arrays; k++) {
        size_t end = k < p->arrays ? p->array[k].at : p->plan.arena;
        for (; at < end; at++)
            cr_assert(bits_equal(arena[at], guard), "%s: the reference wrote past an array, at %zu",
                      p->what, at);
        if (k < p->arrays) at += p->array[k].count;
    }
}

static void check_truth(const hand_plan *p, hand_truth truth, const float *reference,
                        float *expected)
{
    size_t first, rows = last_batch(p, &first);
    float loss = 0.0f;
    memcpy(expected, p->arena, p->plan.arena * sizeof *expected);
    truth(p, rows, expected, &loss);
    compare(p, "the CPU path, against the definition,", reference, expected, p->plan.arena);
    if (p->sums_loss)
        cr_assert(bits_equal(reference[p->plan.arena + p->steps - 1], loss),
                  "%s: loss %a, by definition %a", p->what,
                  (double)reference[p->plan.arena + p->steps - 1], (double)loss);
}

void hand_check(hand_plan *p, const test_backends *b, hand_truth truth)
{
    char name[256];
    add_guards(p, 9);
    *(p->infer ? &p->plan.infer : &p->plan.step) = (ls_ops){.op = p->op, .count = p->ops};
    size_t n = p->plan.arena + extra(p);
    float *reference = calloc(2 * p->members * n, sizeof *reference),
          *other = reference + p->members * n;
    cr_assert(reference);
    run_on(p, &b->list[0], reference);
    check_guards(p, reference);
    if (truth && !p->no_truth) check_truth(p, truth, reference, other);
    for (size_t i = 1; i < b->count; i++) {
        run_on(p, &b->list[i], other);
        for (size_t k = 0; k < p->members; k++) {
            snprintf(name, sizeof name, "member %zu of %zu on %s", k, p->members, b->list[i].name);
            compare(p, name, other + k * n, reference + k * n, n);
        }
    }
    free(reference);
}

/* ---- Parts of definitions -------------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

float truth_sum(const float *x, size_t x_step, const float *y, size_t y_step, size_t n)
{
    float sum = 0.0f;
    for (size_t r0 = 0; r0 < n; r0 += TRUTH_CHUNK) {
        float chain = 0.0f;
        for (size_t r = r0; r < smaller(r0 + TRUTH_CHUNK, n); r++)
            chain = y ? fmaf(x[r * x_step], y[r * y_step], chain) : chain + x[r * x_step];
        sum = r0 ? sum + chain : chain;
    }
    return sum;
}

static float clamp(float z, float most) { return z < -most ? -most : z > most ? most : z; }

/* Activations and derivatives restated from the functions of arith.h, one pair per row of
 * LS_ACTIVATIONS; without it, the tables below do not compile. */
#define VALUE(name, formula)                                                                       \
    static float value_##name(float z) { return formula; }
#define SLOPE(name, formula)                                                                       \
    static float slope_##name(float z, float a)                                                    \
    {                                                                                              \
        (void)z, (void)a;                                                                          \
        return formula;                                                                            \
    }
static float silu_slope(float z)
{
    float c = clamp(z, 128), e = ls_exp(-fabsf(c)), v = 1.0f / (1.0f + e);
    return fmaf(c * e, v, z < 0 ? e : 1.0f) * v;
}
VALUE(identity, z)
VALUE(sigmoid, ls_sigmoid(z))
VALUE(tanh, ls_tanh(z))
VALUE(relu, z < 0 ? 0.0f : z)
VALUE(leaky_relu, z < 0 ? 0.01f * z : z)
VALUE(elu, z < 0 ? ls_expm1(z) : z)
VALUE(silu, (z < -128 ? -128.0f : z) * ls_sigmoid(z < -128 ? -128.0f : z))
VALUE(gelu, (z < -16 ? -16.0f : z) * ls_normal_cdf(z < -16 ? -16.0f : z))
SLOPE(identity, a != a ? a : 1.0f)
SLOPE(sigmoid, (a * (1.0f - a)))
SLOPE(tanh, fmaf(-a, a, 1.0f))
SLOPE(relu, a != a ? a : a > 0 ? 1.0f : 0.0f)
SLOPE(leaky_relu, a != a ? a : a > 0 ? 1.0f : 0.01f)
SLOPE(elu, a != a ? a : a < 0 ? a + 1.0f : 1.0f)
SLOPE(silu, silu_slope(z))
SLOPE(gelu, fmaf(clamp(z, 16), ls_normal_pdf(clamp(z, 16)), ls_normal_cdf(clamp(z, 16))))

float truth_act(ls_act f, float z)
{
#define LS_X(name, reads, facts) value_##name,
    static float (*const values[])(float z) = {LS_ACTIVATIONS(LS_X)};
#undef LS_X
    return values[f](z);
}

float truth_act_grad(ls_act f, float z, float a)
{
#define LS_X(name, reads, facts) slope_##name,
    static float (*const slopes[])(float z, float a) = {LS_ACTIVATIONS(LS_X)};
#undef LS_X
    return slopes[f](z, a);
}

/* Block `block` of Philox4x32-10 (Salmon et al. 2011). */
void truth_random(const hand_plan *p, uint32_t purpose, uint32_t block, uint32_t c[4])
{
    uint64_t step = p->step + p->steps - 1;
    c[0] = block, c[1] = purpose, c[2] = (uint32_t)step, c[3] = (uint32_t)(step >> 32);
    uint32_t k0 = (uint32_t)p->plan.seed, k1 = (uint32_t)(p->plan.seed >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
        c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k0, c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k1, c[3] = (uint32_t)a;
    }
}

float truth_dropout(const hand_plan *p, const ls_op *o, size_t i)
{
    uint32_t c[4];
    truth_random(p, o->purpose, (uint32_t)(i / 4), c);
    return (float)(c[i % 4] >> 8) * 0x1p-24f >= o->dropout ? 1.0f / (1.0f - o->dropout) : 0.0f;
}

float truth_limit(float square, float limit)
{
    float norm = sqrtf(square);
    if (isinf(norm)) return NAN;
    return norm > limit ? limit / norm : 1.0f;
}
