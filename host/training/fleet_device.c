/* SPDX-License-Identifier: MIT */
#include "host/training/fleet_device.h"
#include "core_cpu/cpu.h"
#include "host/base/error.h"
#include "host/network/device_kind.h"
#include <assert.h>

/* ---- On and off the device ------------------------------------------------------------------- */

uint64_t ls_arena_bytes(const ls_trainer *trainer)
{
    return ((uint64_t)trainer->plan->arena * sizeof(float) + 255) / 256 * 256;
}

static void close_if_empty(ls_fleet *fleet, ls_table *table)
{
    if (!table->workspace || table->residents) return;
    table->workspace->backend->slots->workspace_close(table->workspace);
    table->workspace = NULL;
    fleet->used -= table->bytes;
}

/* The CPU path, which is always there; it repeats steps of the device in use. */
static ls_backend *witness_of(const ls_fleet *fleet, const ls_table *table)
{
    if (table->source.make) return NULL; /* it would need all rows */
    ls_backend *cpu = fleet->choice ? fleet->choice->list[0].backend : NULL;
    return fleet->backend == cpu ? NULL : cpu;
}

static ls_status enter(ls_fleet *fleet, ls_trainer *trainer, ls_error *err)
{
    ls_table *table = trainer->block->table;
    if (table->source.make && !fleet->backend->slots->deals)
        return ls_fail(err, LS_ERR_UNSUPPORTED,
                       "one device cannot go on alone: it has not the rows of other ranks");
    if (!table->workspace) {
        LS_TRY(fleet->backend->slots->workspace_open(fleet->backend, &table->source.rows,
                                                     &table->workspace, err));
        fleet->used += table->bytes;
    }
    ls_status status = ls_trainer_enter(trainer, fleet->keeps, witness_of(fleet, table), err);
    trainer->budget = &fleet->witness;
    if (status == LS_OK) {
        fleet->used += ls_arena_bytes(trainer);
        fleet->residents++;
        table->residents++;
    }
    close_if_empty(fleet, table);
    return status;
}

/* Updates the fleet after a trainer has left the device. */
static void account_for_leaving(ls_fleet *fleet, ls_trainer *trainer)
{
    fleet->used -= ls_arena_bytes(trainer);
    fleet->residents--;
    trainer->block->table->residents--;
    close_if_empty(fleet, trainer->block->table);
}

void ls_fleet_leave(ls_fleet *fleet, ls_trainer *trainer)
{
    if (!trainer->workspace) return;
    ls_trainer_leave(trainer);
    account_for_leaving(fleet, trainer);
}

/* Parks the first idle member, from *from on, that is on the device; *from is then the next one. */
static ls_status evict(ls_fleet *fleet, size_t *from, ls_error *err)
{
    for (bool found = false; *from < fleet->count && !found; ++*from) {
        ls_trainer *trainer = fleet->member[*from];
        if (!trainer || !trainer->workspace || ls_trainer_active(trainer)) continue;
        LS_TRY(ls_trainer_park(trainer, err));
        account_for_leaving(fleet, trainer);
        found = true;
    }
    return LS_OK;
}

static bool fits(const ls_fleet *fleet, const ls_trainer *trainer)
{
    uint64_t need = ls_arena_bytes(trainer) +
                    (trainer->block->table->workspace ? 0 : trainer->block->table->bytes);
    return !fleet->residents || (need <= fleet->limit && fleet->used <= fleet->limit - need);
}

/* Puts a member on the device if there is room, if need be by parking idle members from *idle on.
 */
static ls_status admit(ls_fleet *fleet, ls_trainer *trainer, size_t *idle, ls_error *err)
{
    ls_error why;
    for (;;) {
        if (!fits(fleet, trainer)) {
            if (*idle == fleet->count) return LS_OK;
            LS_TRY(evict(fleet, idle, err));
            continue;
        }
        ls_status status = enter(fleet, trainer, &why);
        if (status == LS_OK) return LS_OK;
        if (status != LS_ERR_MEMORY || !fleet->residents)
            return ls_fail(err, status, "%s", why.message);
        fleet->limit = fleet->used; /* the device has less memory than assumed */
    }
}

ls_status ls_fleet_admit(ls_fleet *fleet, ls_error *err)
{
    size_t idle = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        ls_trainer *trainer = fleet->member[i];
        if (trainer && !trainer->workspace && ls_trainer_active(trainer))
            LS_TRY(admit(fleet, trainer, &idle, err));
    }
    return LS_OK;
}

/* ---- From one device to another -------------------------------------------------------------- */

uint64_t ls_fleet_limit(uint64_t memory, const ls_device_info *info)
{
    return memory ? memory : info->memory ? info->memory / 2 : UINT64_MAX;
}

void ls_fleet_note_keeping(ls_fleet *fleet)
{
    const ls_choice *choice = fleet->choice;
    /* the CPU path can go on after any failure but its own */
    fleet->keeps = choice && (fleet->backend != choice->list[0].backend ||
                              fleet->backend != choice->list[choice->best].backend);
    for (size_t i = 0; i < fleet->count && !fleet->keeps; i++)
        if (fleet->member[i]) ls_trainer_forget(fleet->member[i]);
}

/* Makes a candidate the fleet's device. No member may be on the present one, unless both have the
 * same backend. */
static ls_status change_device(ls_fleet *fleet, size_t to, ls_error *err)
{
    const ls_candidate *candidate = &fleet->choice->list[to];
    assert(candidate->backend == fleet->backend || !fleet->residents);
    if (candidate->threads) LS_TRY(ls_cpu_use(candidate->backend, candidate->threads, err));
    bool same = fleet->backend == candidate->backend;
    fleet->backend = candidate->backend;
    fleet->at = to;
    ls_fleet_note_keeping(fleet);
    if (same) return LS_OK;
    fleet->limit = ls_fleet_limit(fleet->memory, &candidate->info);
    fleet->gpu = ls_device_kind_of(&candidate->info) == LS_KIND_GPU;
    /* until the first call was measured, rather too slow */
    fleet->pace = candidate->pace > 0    ? candidate->pace
                  : candidate->tried > 0 ? 4 * candidate->tried
                                         : 100;
    return LS_OK;
}

ls_status ls_fleet_move(ls_fleet *fleet, size_t to, ls_error *err)
{
    bool leaves = fleet->choice->list[to].backend != fleet->backend;
    for (size_t i = 0; leaves && i < fleet->count; i++) {
        ls_trainer *trainer = fleet->member[i];
        if (!trainer || !trainer->workspace) continue;
        LS_TRY(ls_trainer_park(trainer, err));
        account_for_leaving(fleet, trainer);
    }
    return change_device(fleet, to, err);
}

ls_status ls_fleet_rescue(ls_fleet *fleet, size_t to, ls_error *err)
{
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->member[i]) ls_fleet_leave(fleet, fleet->member[i]);
    return change_device(fleet, to, err);
}

ls_status ls_fleet_copy_members(ls_fleet *fleet, ls_error *err)
{
    for (size_t i = 0; i < fleet->count && fleet->keeps; i++) {
        ls_trainer *trainer = fleet->member[i];
        if (trainer && trainer->workspace && trainer->state == LS_MEMBER_TRAINING &&
            trainer->copy.course.step != trainer->now.step)
            LS_TRY(ls_trainer_copy_out(trainer, err));
    }
    return LS_OK;
}
