/* SPDX-License-Identifier: MIT */
/* The self-check's runs compare every operation, activation, optimizer, loss and output in each
 * mode that has it, and a gap is reported. */
#include <criterion/criterion.h>
#ifdef LS_OPENCL
#include "core_cpu/cpu.h"
#include "host/network/chunks.h"
#include "host/opencl/check_runs.h"
#include "tests/support/devices.h"
#include <math.h>
#include <string.h>

static void covered_by_runs(ls_check_coverage covered[LS_CHECK_MODES])
{
    ls_error err;
    cr_assert_eq(ls_check_runs_coverage(covered, &err), LS_OK, "%s", err.message);
}

Test(self_check, covers_all_tables)
{
    ls_check_coverage covered[LS_CHECK_MODES];
    ls_error err;
    covered_by_runs(covered);
    cr_expect_eq(ls_check_is_complete(covered, &err), LS_OK, "%s", err.message);
    for (int i = 0; i < LS_OP_COUNT; i++)
        cr_expect(!covered[LS_CHECK_CHUNKWISE].op[i] || ls_op_chunkwise[i] != LS_CHUNKWISE_NEVER,
                  "operation %d does not run chunk-wise", i);
}

/* Removes each mark in turn: all but those of operations that never run chunk-wise matter. */
Test(self_check, reports_every_gap)
{
    ls_check_coverage covered[LS_CHECK_MODES];
    ls_error err;
    const size_t marks = LS_CHECK_MODES * sizeof(ls_check_coverage);
    size_t reported = 0, never = 0;
    covered_by_runs(covered);
    for (int i = 0; i < LS_OP_COUNT; i++) never += ls_op_chunkwise[i] == LS_CHUNKWISE_NEVER;
    bool *mark = (bool *)covered;
    for (size_t i = 0; i < marks; i++) {
        bool before = mark[i];
        mark[i] = false;
        if (ls_check_is_complete(covered, &err) != LS_OK) {
            reported++;
            cr_expect_eq(err.status, LS_ERR_UNSUPPORTED);
            cr_expect(strstr(err.message, "no run compares"), "%s", err.message);
        }
        mark[i] = before;
    }
    cr_expect_eq(reported, marks - never);
}

/* ---- A device with a fault ------------------------------------------------------------------- */

static const ls_backend_slots *good;

static ls_status read_with_fault(ls_workspace *workspace, size_t member, size_t at, size_t count,
                                 float *to, ls_error *err)
{
    ls_status status = good->read(workspace, member, at, count, to, err);
    if (count) to[count / 2] = nextafterf(to[count / 2], 1.0f);
    return status;
}

static ls_status infer_with_fault(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                                  float *outputs, float *losses, ls_error *err)
{
    ls_status status = good->infer(workspace, member, first, rows, outputs, losses, err);
    if (losses) losses[rows - 1] = nextafterf(losses[rows - 1], -1.0f);
    return status;
}

static void check_on(ls_cl_device *d, const ls_backend_slots *slots, char reason[256])
{
    ls_error err;
    ls_backend *cpu;
    reason[0] = 0;
    d->base.slots = slots;
    cr_assert_eq(ls_cpu_open(1, NULL, &cpu, &err), LS_OK, "%s", err.message);
    for (int way = LS_CL_WAY_COUNT - 1; way >= 0; way--)
        cr_expect_eq(ls_check_runs(d, cpu, (ls_cl_way_id)way, 0, ls_check_run_count(), reason,
                                   &err),
                     LS_OK, "%s", err.message);
    cpu->slots->close(cpu);
    d->base.slots = good;
}

/* One float off by one unit in the last place, in the state after training or in a row's loss. */
Test(self_check, finds_a_fault, .timeout = 600)
{
    test_backends b;
    char reason[256];
    test_backends_open(&b);
    for (size_t i = b.opencl; i < b.count; i++) {
        ls_cl_device *d = (ls_cl_device *)b.list[i].backend;
        good = d->base.slots;
        ls_backend_slots read_fault = *good, infer_fault = *good;
        read_fault.read = read_with_fault;
        infer_fault.infer = infer_with_fault;
        check_on(d, good, reason);
        cr_expect_str_empty(reason, "%s: %s", b.list[i].name, reason);
        check_on(d, &read_fault, reason);
        cr_expect(strstr(reason, "other weights"), "%s: '%s'", b.list[i].name, reason);
        check_on(d, &infer_fault, reason);
        cr_expect(strstr(reason, "other outputs"), "%s: '%s'", b.list[i].name, reason);
    }
    test_backends_close(&b);
}
#else
Test(self_check, no_opencl) {}
#endif
