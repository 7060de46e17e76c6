/* SPDX-License-Identifier: MIT */
#include "host/device/catalogue.h"
#include "host/base/memory.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ls_catalogue_begin(ls_catalogue *c, unsigned idle)
{
    *c = (ls_catalogue){.all = true};
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].begin) ls_backend_types[i].begin(idle, &c->search[i]);
}

static void add_note(ls_catalogue *c, const char *note)
{
    size_t length = strlen(c->note);
    if (*note)
        snprintf(c->note + length, sizeof c->note - length, "%s%s", length ? "; " : "", note);
}

/* Appends the devices of a row. */
static ls_status append(ls_catalogue *c, size_t type, const ls_device_info *list, size_t count,
                        ls_error *err)
{
    size_t need = c->count + count;
    LS_TRY(ls_grow(&c->info, &c->info_room, need, sizeof *c->info, "the device list", err));
    LS_TRY(ls_grow(&c->origin, &c->origin_room, need, sizeof *c->origin, "the device list", err));
    for (size_t i = 0; i < count; i++, c->count++) {
        c->info[c->count] = list[i];
        c->info[c->count].struct_size = sizeof *list;
        c->info[c->count].index = (int)c->count;
        c->origin[c->count] = (ls_catalogue_origin){type, i};
    }
    return LS_OK;
}

ls_status ls_catalogue_finish(ls_catalogue *c, ls_error *err)
{
    size_t types = c->all ? ls_backend_type_count : 1;
    for (size_t i = 0; i < types; i++) {
        ls_device_info *list = NULL;
        size_t count = 0;
        char note[256] = "";
        ls_status status = ls_backend_types[i].finish(c->search[i], c->threads, &list, &count, note,
                                                      err);
        if (status == LS_OK && count) status = append(c, i, list, count, err);
        free(list);
        if (status != LS_OK) return status;
        add_note(c, note);
    }
    return LS_OK;
}

ls_status ls_catalogue_open(ls_catalogue *c, bool all, unsigned threads, ls_error *err)
{
    if (all) ls_catalogue_begin(c, 0);
    else *c = (ls_catalogue){0};
    c->threads = threads;
    ls_status status = ls_catalogue_finish(c, err);
    if (status != LS_OK) ls_catalogue_close(c);
    return status;
}

void ls_catalogue_close(ls_catalogue *c)
{
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].end && c->search[i]) ls_backend_types[i].end(c->search[i]);
    free(c->info);
    free(c->origin);
    *c = (ls_catalogue){0};
}

bool ls_catalogue_recall(ls_catalogue *c, size_t i)
{
    assert(i < c->count);
    const ls_backend_type *type = &ls_backend_types[c->origin[i].type];
    return !type->recall || type->recall(&c->info[i]);
}

ls_status ls_catalogue_judge(ls_catalogue *c, ls_check_callback callback, void *user, ls_error *err)
{
    /* the devices of a row follow each other */
    for (size_t from = 0, to; from < c->count; from = to) {
        size_t type = c->origin[from].type;
        for (to = from; to < c->count && c->origin[to].type == type;) to++;
        if (ls_backend_types[type].judge)
            LS_TRY(ls_backend_types[type].judge(c->search[type], c->info + from, to - from,
                                                callback, user, err));
    }
    return LS_OK;
}

ls_status ls_catalogue_start(ls_catalogue *c, size_t i, ls_backend **out, ls_error *err)
{
    assert(i < c->count);
    size_t type = c->origin[i].type;
    return ls_backend_types[type].open(c->search[type], c->origin[i].number, c->threads,
                                       &c->info[i], out, err);
}
