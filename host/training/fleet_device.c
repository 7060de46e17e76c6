/* SPDX-License-Identifier: MIT */
/* Which members are on the device, and which device that is. Neither changes a bit of them. */
#include "host/training/fleet_device.h"
#include "core_cpu/cpu.h"
#include "host/base/error.h"
#include "host/network/device_kind.h"

/* ---- On and off the device ------------------------------------------------------------------- */

uint64_t ls_arena_bytes(const ls_trainer *tr)
{
    return ((uint64_t)tr->plan->arena * sizeof(float) + 255) / 256 * 256;
}

static void close_if_empty(ls_fleet *f, ls_table *table)
{
    if (!table->workspace || table->residents) return;
    table->workspace->backend->slots->workspace_close(table->workspace);
    table->workspace = NULL;
    f->used -= table->bytes;
}

static ls_status enter(ls_fleet *f, ls_trainer *tr, ls_error *err)
{
    ls_table *table = tr->block->table;
    if (!table->workspace) {
        LS_TRY(f->backend->slots->workspace_open(f->backend, &table->rows, &table->workspace, err));
        f->used += table->bytes;
    }
    ls_status status = ls_trainer_enter(tr, f->unproven, err);
    if (status == LS_OK) {
        f->used += ls_arena_bytes(tr);
        f->residents++;
        table->residents++;
    }
    close_if_empty(f, table);
    return status;
}

/* What there is to do once a trainer has left the device. */
static void account_for_leaving(ls_fleet *f, ls_trainer *tr)
{
    f->used -= ls_arena_bytes(tr);
    f->residents--;
    tr->block->table->residents--;
    close_if_empty(f, tr->block->table);
}

void ls_fleet_leave(ls_fleet *f, ls_trainer *tr)
{
    if (!tr->workspace) return;
    ls_trainer_leave(tr);
    account_for_leaving(f, tr);
}

/* Parks the first member from *from on that is on the device without need; *from is then the one
 * behind it. */
static ls_status evict(ls_fleet *f, size_t *from, ls_error *err)
{
    for (bool found = false; *from < f->count && !found; ++*from) {
        ls_trainer *tr = f->member[*from];
        if (!tr || !tr->workspace || ls_trainer_active(tr)) continue;
        LS_TRY(ls_trainer_park(tr, err));
        account_for_leaving(f, tr);
        found = true;
    }
    return LS_OK;
}

static bool fits(const ls_fleet *f, const ls_trainer *tr)
{
    uint64_t need = ls_arena_bytes(tr) +
                    (tr->block->table->workspace ? 0 : tr->block->table->bytes);
    return !f->residents || (need <= f->limit && f->used <= f->limit - need);
}

/* Puts a member on the device if there is room, or can be made; see evict for *idle. */
static ls_status admit(ls_fleet *f, ls_trainer *tr, size_t *idle, ls_error *err)
{
    ls_error why;
    for (;;) {
        if (!fits(f, tr)) {
            if (*idle == f->count) return LS_OK;
            LS_TRY(evict(f, idle, err));
            continue;
        }
        ls_status status = enter(f, tr, &why);
        if (status == LS_OK) return LS_OK;
        if (status != LS_ERR_MEMORY || !f->residents)
            return ls_fail(err, status, "%s", why.message);
        f->limit = f->used; /* the device has less than was thought */
    }
}

ls_status ls_fleet_admit(ls_fleet *f, ls_error *err)
{
    size_t idle = 0;
    for (size_t i = 0; i < f->count; i++) {
        ls_trainer *tr = f->member[i];
        if (tr && !tr->workspace && ls_trainer_active(tr)) LS_TRY(admit(f, tr, &idle, err));
    }
    return LS_OK;
}

/* ---- From one device to another -------------------------------------------------------------- */

uint64_t ls_fleet_limit(uint64_t memory, const ls_device_info *info)
{
    return memory ? memory : info->memory ? info->memory / 2 : UINT64_MAX;
}

/* Makes a candidate the fleet's device; no member may be on it, unless it stays the same backend.
 */
static ls_status change_device(ls_fleet *f, size_t to, ls_error *err)
{
    const ls_candidate *c = &f->choice->list[to];
    if (c->threads) LS_TRY(ls_cpu_use(c->backend, c->threads, err));
    bool same = f->backend == c->backend;
    f->backend = c->backend;
    f->at = to;
    f->unproven = c->backend != f->choice->list[f->choice->best].backend;
    if (same) return LS_OK;
    f->limit = ls_fleet_limit(f->memory, &c->info);
    f->gpu = ls_device_kind_of(&c->info) == LS_KIND_GPU;
    f->pace = c->pace > 0 ? c->pace : 100;
    return LS_OK;
}

ls_status ls_fleet_move(ls_fleet *f, size_t to, ls_error *err)
{
    bool leaves = f->choice->list[to].backend != f->backend;
    for (size_t i = 0; leaves && i < f->count; i++) {
        ls_trainer *tr = f->member[i];
        if (!tr || !tr->workspace) continue;
        LS_TRY(ls_trainer_park(tr, err));
        account_for_leaving(f, tr);
    }
    return change_device(f, to, err);
}

void ls_fleet_settle(ls_fleet *f)
{
    f->unproven = false;
    for (size_t i = 0; i < f->count; i++)
        if (f->member[i]) ls_trainer_forget(f->member[i]);
}

ls_status ls_fleet_rescue(ls_fleet *f, size_t to, ls_error *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->member[i]) ls_fleet_leave(f, f->member[i]);
    LS_TRY(change_device(f, to, err));
    for (size_t i = 0; i < f->count; i++) {
        ls_trainer *tr = f->member[i];
        bool lost = tr && tr->state == LS_MEMBER_TRAINING &&
                    (tr->stopped || tr->parked_step != tr->step);
        if (!lost) continue;
        LS_TRY(enter(f, tr, err));
        if (tr->state != LS_MEMBER_TRAINING) ls_fleet_leave(f, tr);
        else if (f->used > f->limit) {
            LS_TRY(ls_trainer_park(tr, err));
            account_for_leaving(f, tr);
        }
    }
    return LS_OK;
}
