/* SPDX-License-Identifier: MIT */
#include "host/device/catalogue.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ls_catalogue_begin(ls_catalogue *c, const atomic_bool *stop)
{
    *c = (ls_catalogue){.all = true};
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].begin) ls_backend_types[i].begin(stop, &c->search[i]);
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
    if (all) ls_catalogue_begin(c, NULL);
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

ls_status ls_catalogue_examine(ls_catalogue *c, size_t i, ls_check_callback callback, void *user,
                               ls_examination *out, ls_error *err)
{
    assert(i < c->count);
    const ls_backend_type *type = &ls_backend_types[c->origin[i].type];
    if (!type->examine)
        return ls_fail(err, LS_ERR_UNSUPPORTED, "%s has nothing to try", c->info[i].name);
    return type->examine(c->search[c->origin[i].type], c->origin[i].number, &c->info[i], callback,
                         user, out, err);
}

ls_status ls_catalogue_start(ls_catalogue *c, size_t i, ls_backend **out, ls_error *err)
{
    assert(i < c->count);
    size_t type = c->origin[i].type;
    return ls_backend_types[type].open(c->search[type], c->origin[i].number, c->threads,
                                       &c->info[i], out, err);
}

bool ls_catalogue_speed(const ls_catalogue *c, size_t i, ls_device_speed *out)
{
    assert(i < c->count);
    const ls_backend_type *type = &ls_backend_types[c->origin[i].type];
    return type->speed && type->speed(&c->info[i], out);
}

void ls_catalogue_guess(const ls_catalogue *c, size_t i, ls_device_speed *out)
{
    assert(i < c->count);
    const ls_catalogue_origin *from = &c->origin[i];
    *out = (ls_device_speed){0};
    if (ls_backend_types[from->type].guess)
        ls_backend_types[from->type].guess(c->search[from->type], from->number, out);
}

double ls_catalogue_opening(const ls_catalogue *c, size_t i)
{
    assert(i < c->count);
    const ls_backend_type *type = &ls_backend_types[c->origin[i].type];
    return type->opening ? type->opening(&c->info[i]) : 0;
}

void ls_catalogue_note_opening(const ls_catalogue *c, size_t i, double seconds)
{
    assert(i < c->count);
    const ls_backend_type *type = &ls_backend_types[c->origin[i].type];
    if (type->note_opening) type->note_opening(&c->info[i], seconds);
}

/* ---- What is remembered ---------------------------------------------------------------------- */

void ls_catalogue_note_failure(const ls_device_info *info, const char *why)
{
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].note_failure) ls_backend_types[i].note_failure(info, why);
}

bool ls_catalogue_failure(const ls_device_info *info, char why[256])
{
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].failure && ls_backend_types[i].failure(info, why)) return true;
    return false;
}

void ls_catalogue_forget_failures(const ls_device_info *info)
{
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].forget_failures) ls_backend_types[i].forget_failures(info);
}

static ls_known_device describe_known(const ls_backend_type *type, const ls_device_info *info,
                                      const ls_device_speed *guess)
{
    ls_known_device d = {.info = *info, .speed = *guess, .opening = type->opening(info)};
    d.checked = !type->recall || type->recall(&d.info);
    d.measured = type->speed(info, &d.speed);
    if (!type->failure || !type->failure(info, d.failed)) *d.failed = 0;
    return d;
}

/* Appends what a row remembers; false if that is nothing. */
static bool append_known(const ls_backend_type *type, ls_known_device **list, size_t *room,
                         size_t *count, double *seconds)
{
    ls_device_info *info;
    ls_device_speed *guess;
    size_t more;
    double took;
    if (!type->known(&info, &guess, &more, &took)) return false;
    bool good = ls_grow(list, room, *count + more, sizeof **list, "", NULL) == LS_OK;
    for (size_t i = 0; i < more && good; i++)
        (*list)[(*count)++] = describe_known(type, &info[i], &guess[i]);
    *seconds += took;
    free(info);
    free(guess);
    return good;
}

bool ls_catalogue_known(ls_known_device **list, size_t *count, double *seconds)
{
    size_t room = 0;
    bool good = true;
    *list = NULL;
    *count = 0;
    *seconds = 0;
    for (size_t i = 0; i < ls_backend_type_count && good; i++)
        if (ls_backend_types[i].known)
            good = append_known(&ls_backend_types[i], list, &room, count, seconds);
    if (!good) {
        free(*list);
        *list = NULL;
    }
    return good;
}

ls_status ls_catalogue_choose(const ls_catalogue *c, const char *spec, size_t *out, ls_error *err)
{
    uint64_t index;
    if (ls_parse_u64(spec, &index)) {
        if (index >= c->count)
            return ls_fail(err, LS_ERR_DEVICE,
                           "there is no device %s, only 0 to %zu (lockstep devices lists them)%s%s",
                           spec, c->count - 1, *c->note ? ": " : "", c->note);
        *out = (size_t)index;
        return LS_OK;
    }
    size_t matches = 0;
    for (size_t i = 1; i < c->count; i++)
        if (ls_ascii_contains(c->info[i].name, spec) ||
            ls_ascii_contains(c->info[i].platform, spec) ||
            ls_ascii_contains(c->info[i].vendor, spec)) {
            *out = i;
            matches++;
        }
    if (matches == 1) return LS_OK;
    if (matches)
        return ls_fail(
            err, LS_ERR_DEVICE,
            "'%.60s' matches %zu devices; name one by its index (lockstep devices lists them)",
            spec, matches);
    return ls_fail(
        err, LS_ERR_DEVICE,
        "no device's name, platform or vendor contains '%.60s' (lockstep devices lists them)%s%s",
        spec, *c->note ? ": " : "", c->note);
}
