/* SPDX-License-Identifier: MIT */
#include "host/cli/run/epochs.h"
#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/base/json.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/terminal.h"
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void epochs_add(epoch_listeners *l, epoch_listener call, void *state)
{
    assert(l->count < EPOCH_LISTENERS);
    l->list[l->count].call = call;
    l->list[l->count++].state = state;
}

int epochs_notify(const ls_progress *p, void *user)
{
    epoch_listeners *l = user;
    for (size_t i = 0; i < l->count; i++) {
        if (!l->list[i].call) continue;
        l->list[i].status = l->list[i].call(l->list[i].state, p, &l->list[i].err);
        if (l->list[i].status != LS_OK) l->list[i].call = NULL;
    }
    return interrupted() || p->epoch == l->until;
}

void epochs_notice(const char *line, void *user)
{
    const epoch_listeners *l = user;
    if (l->line) fputs("\r\033[K", stderr);
    terminal_print(stderr, "note: %s\n", line);
}

/* ---- Progress -------------------------------------------------------------------------------- */

/* Maximum number of progress lines if stderr is not a terminal. */
enum { LINES = 20 };

ls_status progress_epoch(void *user, const ls_progress *p, ls_error *err)
{
    progress_line *state = user;
    bool last = p->epoch == p->epochs;
    uint64_t every = p->epochs > LINES ? p->epochs / LINES : 1;
    double time = state->terminal ? ls_clock() : 0;
    bool due = state->terminal ? last || time - state->shown > 0.1
                               : p->epoch == 1 || last || p->epoch % every == 0;
    (void)err;
    if (!due) return LS_OK;
    state->shown = time;
    double speed = p->seconds > 0 ? (double)p->steps / p->seconds : 0;
    double left = p->seconds / (double)p->epoch * (double)(p->epochs - p->epoch);
    if (state->terminal) fputs("\r\033[K", stderr);
    terminal_print(stderr, "epoch %llu/%llu  loss %.6g", (unsigned long long)p->epoch,
                   (unsigned long long)p->epochs, p->loss);
    if (!isnan(p->validation_loss))
        terminal_print(stderr, "  validation loss %.6g", p->validation_loss);
    if (!isnan(p->validation_accuracy))
        terminal_print(stderr, ", accuracy %.4f", p->validation_accuracy);
    terminal_print(stderr, "  %.0f steps/s", speed);
    if (state->terminal)
        terminal_print(stderr, "  %d:%02d:%02d left", (int)(left / 3600), (int)(left / 60) % 60,
                       (int)left % 60);
    if (!state->terminal || last) fputc('\n', stderr);
    return LS_OK;
}

/* ---- Logs ------------------------------------------------------------------------------------ */

ls_status live_file_json(live_file *s, json_t *line, ls_error *err)
{
    char *text = line ? ls_json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    size_t length = text ? strlen(text) : 0;
    json_decref(line);
    if (!text) return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for a line", s->path);
    text[length] = '\n'; /* replaces the NUL: one write, so that readers see whole lines */
    ls_status status = live_file_write(s, text, length + 1, err);
    free(text);
    return status;
}

json_t *epoch_json(const ls_progress *p)
{
    json_t *o = json_pack("{s:I,s:I,s:o}", "epoch", (json_int_t)p->epoch, "steps",
                          (json_int_t)p->steps, "loss", ls_json_number(p->loss));
    if (!isnan(p->validation_loss))
        ls_json_set(&o, "validation_loss", ls_json_number(p->validation_loss));
    if (!isnan(p->validation_accuracy))
        ls_json_set(&o, "validation_accuracy", ls_json_number(p->validation_accuracy));
    ls_json_set(&o, "lr", ls_json_number(p->learning_rate));
    return o;
}

ls_status log_epoch(void *user, const ls_progress *p, ls_error *err)
{
    LS_TRY(live_file_reach(user, p->epoch, NULL, err));
    json_t *o = epoch_json(p);
    ls_json_set(&o, "seconds", ls_json_number(p->seconds));
    return live_file_json(user, o, err);
}
