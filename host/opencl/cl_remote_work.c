/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_remote_work.h"
#include "host/base/memory.h"
#include "host/opencl/cl_workspace.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Seconds that a piece should take; those of a unit from which progress is shown within it. */
static const double piece_seconds = 1, slow = 2;
enum { GROWTH = 8 };
/* Bytes of an array at a time, and of the steps of a call. */
enum { ARRAY_MOST = 16 << 20, CALL_MOST = 32 << 20 };

static ls_cl_remote_workspace *workspace_of(ls_workspace *w) { return (ls_cl_remote_workspace *)w; }

/* ---- Pieces ---------------------------------------------------------------------------------- */

static double piece_goal(void)
{
    double limit = ls_cl_helper_limit() / 20;
    return limit < piece_seconds ? limit : piece_seconds;
}

/* Units of the next piece, `first` as long as nothing is known. More members at once than before
 * may take longer. */
static uint64_t next_piece(const ls_cl_pace *p, uint64_t first, size_t width)
{
    if (!p->most) return first;
    double each = width > p->width ? p->each * (double)width / (double)p->width : p->each,
           fit = piece_goal() / each, grown = (double)GROWTH * (double)p->most;
    if (fit > grown) fit = grown;
    return fit < 1 ? 1 : fit > 0x1p62 ? (uint64_t)1 << 62 : (uint64_t)fit;
}

static void note_piece(ls_cl_pace *p, uint64_t units, size_t width, double seconds)
{
    if (!units) return;
    p->each = seconds > 1e-9 ? seconds / (double)units : 1e-9 / (double)units;
    p->width = width;
    if (units > p->most) p->most = units;
}

/* Before anything is known, and for slow units. */
static bool is_careful(const ls_cl_pace *p) { return !p->most || p->each > slow; }

/* Bytes of the window that may be used, at most what is wanted. */
static size_t room_for(ls_cl_remote *r, size_t wanted)
{
    size_t room = ls_cl_helper_room(&r->helper, wanted);
    return room < wanted ? room : wanted;
}

/* ---- Rows and arenas ------------------------------------------------------------------------- */

/* Moves `count` floats in pieces through the window: from `from`, or to `to`. */
static ls_status transfer(ls_cl_remote *r, ls_message_kind kind, ls_use_request *request,
                          size_t count, const float *from, float *to, ls_error *err)
{
    size_t at = request->at, most = ARRAY_MOST / sizeof(float);
    for (size_t done = 0, n; done < count; done += n) {
        unsigned char *window;
        n = count - done < most ? count - done : most;
        LS_TRY(ls_cl_remote_window(r, sizeof(float), &window, err));
        n = room_for(r, n * sizeof(float)) / sizeof(float);
        request->at = at + done, request->count = n;
        if (from) memcpy(window, from + done, n * sizeof *from);
        LS_TRY(ls_cl_remote_ask(r, kind, request, NULL, err));
        if (to) memcpy(to + done, window, n * sizeof *to);
    }
    return LS_OK;
}

static ls_status fill(ls_cl_remote_workspace *w, ls_cl_column which, size_t count,
                      const float *from, ls_error *err)
{
    ls_use_request request = {.workspace = w->number, .which = (int)which};
    return from ? transfer(w->remote, LS_MESSAGE_FILL, &request, count, from, NULL, err) : LS_OK;
}

static ls_status send_rows(ls_cl_remote_workspace *w, const ls_rows *data, ls_error *err)
{
    const ls_use_request request = {.workspace = w->number,
                                    .rows = data->rows,
                                    .features = data->features,
                                    .outputs = data->outputs,
                                    .flag = data->row_weight != NULL};
    LS_TRY(ls_cl_remote_ask(w->remote, LS_MESSAGE_ROWS, &request, &w->number, err));
    LS_TRY(fill(w, LS_CL_INPUTS, data->rows * data->features, data->x, err));
    LS_TRY(fill(w, LS_CL_TARGETS, data->rows * data->outputs, data->t, err));
    return fill(w, LS_CL_WEIGHTS, data->rows, data->row_weight, err);
}

ls_status ls_cl_remote_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                      ls_error *err)
{
    ls_cl_remote_workspace *w;
    LS_TRY(ls_alloc(&w, 1, sizeof *w, "a workspace", err));
    w->base.backend = backend;
    w->remote = (ls_cl_remote *)backend;
    w->number = LS_USE_NEW;
    ls_status status = send_rows(w, data, err);
    if (status == LS_OK) *out = &w->base;
    else if (w->number != LS_USE_NEW) backend->slots->workspace_close(&w->base);
    else free(w);
    return status;
}

ls_status ls_cl_remote_workspace_load(ls_workspace *base, const ls_rows *data, ls_error *err)
{
    return send_rows(workspace_of(base), data, err);
}

ls_status ls_cl_remote_read(ls_workspace *base, size_t index, size_t at, size_t count, float *to,
                            ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number, .member = index, .at = at};
    return transfer(w->remote, LS_MESSAGE_READ, &request, count, NULL, to, err);
}

ls_status ls_cl_remote_write(ls_workspace *base, size_t index, size_t at, size_t count,
                             const float *from, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number, .member = index, .at = at};
    return transfer(w->remote, LS_MESSAGE_WRITE, &request, count, from, NULL, err);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

enum { STEP_BYTES = sizeof(ls_rates) + sizeof(float) };

/* Steps [from, from + most) of the runs that have any. */
typedef struct {
    const ls_run *runs;
    size_t count;
    uint64_t from, most;
} piece;

static uint64_t steps_in(const piece *p, size_t i)
{
    uint64_t count = p->runs[i].count;
    if (count <= p->from) return 0;
    return count - p->from < p->most ? count - p->from : p->most;
}

/* Writes the runs and their rates into the window; *losses: where the losses of all will be. */
static size_t pack(const piece *p, unsigned char *window, size_t steps, float **losses)
{
    ls_use_run *run = (ls_use_run *)window;
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) n += steps_in(p, i) > 0;
    ls_rates *rates = (ls_rates *)(run + n);
    *losses = (float *)(rates + steps);
    for (size_t i = 0; i < p->count; i++) {
        const ls_run *r = &p->runs[i];
        uint64_t count = steps_in(p, i);
        if (!count) continue;
        *run++ = (ls_use_run){r->member, r->first + p->from, count,
                              r->keep && p->from + count == r->count};
        memcpy(rates, r->rates + p->from, (size_t)count * sizeof *rates);
        rates += count;
    }
    return n;
}

static void unpack(const piece *p, const float *losses)
{
    for (size_t i = 0; i < p->count; i++) {
        uint64_t count = steps_in(p, i);
        if (count) memcpy(p->runs[i].losses + p->from, losses, (size_t)count * sizeof *losses);
        losses += count;
    }
}

static ls_status run_piece(ls_cl_remote_workspace *w, const piece *p, ls_error *err)
{
    ls_use_request request = {.workspace = w->number, .careful = is_careful(&w->run)};
    unsigned char *window;
    float *losses;
    uint64_t steps = 0, longest = 0;
    for (size_t i = 0; i < p->count; i++) {
        uint64_t count = steps_in(p, i);
        steps += count;
        if (count > longest) longest = count;
    }
    LS_TRY(ls_cl_remote_window(w->remote,
                               p->count * sizeof(ls_use_run) + (size_t)steps * STEP_BYTES, &window,
                               err));
    request.count = pack(p, window, (size_t)steps, &losses);
    double started = ls_message_clock();
    LS_TRY(ls_cl_remote_ask(w->remote, LS_MESSAGE_RUN, &request, NULL, err));
    note_piece(&w->run, longest, p->count, ls_message_clock() - started);
    unpack(p, losses);
    return LS_OK;
}

/* All steps of members of whose runs one step each has room in the window. */
static ls_status run_members(ls_cl_remote_workspace *w, const ls_run *runs, size_t count,
                             ls_error *err)
{
    piece p = {.runs = runs, .count = count};
    uint64_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (runs[i].count > longest) longest = runs[i].count;
    for (; p.from < longest; p.from += p.most) {
        uint64_t left = longest - p.from, next = next_piece(&w->run, 1, count);
        size_t heads = count * sizeof(ls_use_run), one = count * STEP_BYTES;
        p.most = left < next ? left : next;
        if (p.most > (CALL_MOST - heads) / one) p.most = (CALL_MOST - heads) / one;
        size_t room = room_for(w->remote, heads + (size_t)p.most * one);
        if (room < heads + one) p.most = 1; /* which then says that there is no memory */
        else if (p.most > (room - heads) / one) p.most = (room - heads) / one;
        LS_TRY(run_piece(w, &p, err));
    }
    return LS_OK;
}

ls_status ls_cl_remote_run(ls_workspace *base, const ls_run *runs, size_t count, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    const size_t most = CALL_MOST / (sizeof(ls_use_run) + STEP_BYTES) / 2;
    unsigned char *window;
    LS_TRY(ls_cl_remote_window(w->remote, 1, &window, err));
    for (size_t from = 0, n; from < count; from += n) {
        n = count - from < most ? count - from : most;
        LS_TRY(run_members(w, runs + from, n, err));
    }
    return LS_OK;
}

/* ---- Inference ------------------------------------------------------------------------------- */

/* Rows of the next piece: whole blocks, as far as there are any. */
static size_t rows_of_piece(ls_cl_remote_workspace *w, const ls_plan *plan, size_t left)
{
    const size_t block = plan->capacity, bytes = (plan->outputs + 1) * sizeof(float);
    uint64_t next = next_piece(&w->infer, block, 1);
    size_t rows = next < left ? (size_t)next : left, most = ARRAY_MOST / bytes;
    if (rows > most) rows = most ? most : 1;
    size_t room = room_for(w->remote, rows * bytes) / bytes;
    if (rows > room) rows = room ? room : 1;
    if (rows < left && rows > block) rows -= rows % block;
    return rows < block && left >= block && block <= most && block <= room ? block : rows;
}

ls_status ls_cl_remote_infer(ls_workspace *base, size_t index, size_t first, size_t rows,
                             float *outputs, float *losses, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number,
                              .member = index,
                              .which = (outputs ? LS_USE_OUTPUTS : 0) |
                                       (losses ? LS_USE_LOSSES : 0)};
    assert(index < w->room && w->plans[index]);
    const size_t width = w->plans[index]->outputs;
    for (size_t done = 0, n; done < rows; done += n) {
        unsigned char *window;
        LS_TRY(ls_cl_remote_window(w->remote, 1, &window, err));
        n = rows_of_piece(w, w->plans[index], rows - done);
        LS_TRY(ls_cl_remote_window(w->remote, n * (width + 1) * sizeof(float), &window, err));
        request.at = first + done, request.count = n;
        request.careful = is_careful(&w->infer);
        double started = ls_message_clock();
        LS_TRY(ls_cl_remote_ask(w->remote, LS_MESSAGE_INFER, &request, NULL, err));
        note_piece(&w->infer, n, 1, ls_message_clock() - started);
        if (outputs) memcpy(outputs + done * width, window, n * width * sizeof(float));
        if (losses)
            memcpy(losses + done, (float *)window + (outputs ? n * width : 0), n * sizeof(float));
    }
    return LS_OK;
}
