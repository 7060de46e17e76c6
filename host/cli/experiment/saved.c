/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/saved.h"
#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/cli/base/terminal.h"
#include "host/training/fleet_file.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double usual_seconds = 30, share = 0.01;

/* What determines the results. */
static void make_key(const exp_session *s, const ls_device *device, const char *data, char key[65])
{
    ls_text text = {0};
    const ls_device_info *info = ls_device_get_info(device);
    ls_text_add(&text, "%s %s %zu %d %s %s", ls_version(), s->order->letters, s->order->seeds,
                (int)s->order->quick, data, info->exact ? "exact" : info->name);
    ls_sha256_of(text.failed ? "" : text.text, text.failed ? 0 : text.length, key);
    free(text.text);
}

/* ---- Marks: the losses that were recorded so far, one line per training ---------------------- */

static void write_marks(const exp_session *s, ls_text *out)
{
    for (size_t i = 0; i < s->results; i++)
        for (size_t k = 0; s->result[i].run && k < s->order->seeds; k++) {
            const exp_run *run = &s->result[i].run[k];
            if (!run->marks) continue;
            ls_text_add(out, "%zu %zu", i, k);
            for (size_t m = 0; m < run->marks; m++) {
                uint64_t bits;
                memcpy(&bits, &run->mark[m], sizeof bits);
                ls_text_add(out, " %016" PRIx64, bits);
            }
            ls_text_add(out, "\n");
        }
}

static void read_line(exp_session *s, char *line)
{
    char *end;
    unsigned long long i = strtoull(line, &end, 10), k = strtoull(end, &end, 10);
    if (i >= s->results || !s->result[i].run || k >= s->order->seeds) return;
    exp_run *run = &s->result[i].run[k];
    for (run->marks = 0; *end == ' ' && run->marks < EXP_MARKS; run->marks++) {
        uint64_t bits = strtoull(end, &end, 16);
        memcpy(&run->mark[run->marks], &bits, sizeof bits);
    }
}

static void read_marks(exp_session *s, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        read_line(s, line);
}

/* ---- The file -------------------------------------------------------------------------------- */

static void make_path(const exp_order *order, char path[4096])
{
    snprintf(path, 4096, "%s/unfinished", order->folder);
}

ls_status exp_saved_open(exp_saved *saved, exp_session *s, ls_fleet *fleet, const ls_device *device,
                         const char *data_sha256, ls_error *err)
{
    char *note;
    *saved = (exp_saved){.session = s, .fleet = fleet, .written = ls_clock()};
    make_path(s->order, saved->path);
    make_key(s, device, data_sha256, saved->key);
    if (access(saved->path, F_OK) != 0) return LS_OK;
    LS_TRY(ls_fleet_load(fleet, saved->key, saved->path, &note, err));
    read_marks(s, note);
    free(note);
    if (!s->order->quiet) terminal_print(stderr, "going on from %s\n", saved->path);
    return LS_OK;
}

bool exp_saved_write(exp_saved *saved)
{
    ls_error err;
    ls_text note = {0};
    double started = ls_clock();
    write_marks(saved->session, &note);
    ls_status status = note.failed ? ls_fail(&err, LS_ERR_MEMORY, "out of memory")
                                   : ls_fleet_save(saved->fleet, saved->key,
                                                   note.text ? note.text : "", saved->path, &err);
    free(note.text);
    saved->written = ls_clock();
    saved->cost = saved->written - started;
    if (status != LS_OK && status != LS_ERR_DEVICE && !saved->failed) {
        saved->failed = true;
        terminal_print(stderr, "note: the experiments under way could not be saved: %s\n",
                       err.message);
    }
    return status == LS_OK;
}

void exp_saved_offer(exp_saved *saved)
{
    double wait = saved->cost / share > usual_seconds ? saved->cost / share : usual_seconds;
    if (ls_clock() - saved->written >= wait) exp_saved_write(saved);
}

void exp_saved_remove(const exp_order *order)
{
    char path[4096];
    make_path(order, path);
    unlink(path);
}
