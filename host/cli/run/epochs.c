/* SPDX-License-Identifier: MIT */
#include "host/cli/run/epochs.h"
#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/progress.h"
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
    (void)user;
    terminal_print(stderr, "note: %s\n", line);
}

/* ---- Progress -------------------------------------------------------------------------------- */

/* Maximum number of progress lines where none can be redrawn. */
enum { LINES = 20 };

/* The line of an epoch on a terminal. */
static void show_epoch(const ls_progress *p, double speed)
{
    double left = p->seconds / (double)p->epoch * (double)(p->epochs - p->epoch);
    progress_part part[6] = {{.rank = 0}, {.rank = 1}, {.rank = 2},
                             {.rank = 4}, {.rank = 5}, {.rank = 3}};
    size_t size = sizeof part[0].text;
    snprintf(part[0].text, size, "epoch %llu/%llu", (unsigned long long)p->epoch,
             (unsigned long long)p->epochs);
    snprintf(part[1].text, size, "  loss %.5g", p->loss);
    if (!isnan(p->validation_loss))
        snprintf(part[2].text, size, "  validation %.5g", p->validation_loss);
    if (!isnan(p->validation_accuracy))
        snprintf(part[3].text, size, ", accuracy %.4f", p->validation_accuracy);
    snprintf(part[4].text, size, "  %.0f steps/s", speed);
    snprintf(part[5].text, size, "  %d:%02d:%02d left", (int)(left / 3600), (int)(left / 60) % 60,
             (int)left % 60);
    progress_parts(part, 6);
}

/* The same as a line of its own, which may be read later. */
static void print_epoch(const ls_progress *p, double speed)
{
    ls_text text = {0};
    ls_text_add(&text, "epoch %llu/%llu  loss %.6g", (unsigned long long)p->epoch,
                (unsigned long long)p->epochs, p->loss);
    if (!isnan(p->validation_loss))
        ls_text_add(&text, "  validation loss %.6g", p->validation_loss);
    if (!isnan(p->validation_accuracy))
        ls_text_add(&text, ", accuracy %.4f", p->validation_accuracy);
    ls_text_add(&text, "  %.0f steps/s", speed);
    if (!text.failed) progress_line("%s", text.text);
    free(text.text);
}

ls_status progress_epoch(void *user, const ls_progress *p, ls_error *err)
{
    progress_state *state = user;
    bool last = p->epoch == p->epochs;
    uint64_t every = p->epochs > LINES ? p->epochs / LINES : 1;
    double time = state->live ? ls_clock() : 0;
    bool due = state->live ? last || time - state->shown > 0.1
                           : state->every || p->epoch == 1 || last || p->epoch % every == 0;
    (void)err;
    if (!due) return LS_OK;
    state->shown = time;
    double speed = p->seconds > 0 ? (double)p->steps / p->seconds : 0;
    if (!state->live) print_epoch(p, speed);
    else show_epoch(p, speed);
    if (last || state->every) progress_end();
    return LS_OK;
}

/* ---- Logs ------------------------------------------------------------------------------------ */

ls_status live_file_json(live_file *s, json_t *line, ls_error *err)
{
    char *text = ls_json_dump(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
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
    if (p->rollbacks) ls_json_set(&o, "rollbacks", json_integer((json_int_t)p->rollbacks));
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
