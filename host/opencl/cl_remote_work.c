/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_remote_work.h"
#include "host/base/memory.h"
#include "host/opencl/cl_workspace.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Seconds that a piece should take; those of a unit from which progress is shown within it. */
static const double piece_seconds = 1, slow = 2;
/* A longer inference is not foretold. */
static const double quick = 0.01;
enum { GROWTH = 8 };
/* Bytes of an array at a time, and of the steps of a call. */
enum { ARRAY_MOST = 16 << 20, CALL_MOST = 32 << 20 };
/* Bytes of changes that wait for a request, and floats of one of them. A message of them fits in a
 * socket's buffer: to send it never waits for a process that has stopped, which only the wait for
 * its answer would notice. */
enum { CHANGES_MOST = 1 << 17, CHANGE_MOST = 1 << 14 };

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

/* Rows of the next piece of an inference: whole blocks, as far as there are any. */
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

/* ---- Changes --------------------------------------------------------------------------------- */

/* Adds a change to those that are sent along with the next request about members of the workspace.
 */
static ls_status change(ls_cl_remote_workspace *w, size_t kind, size_t index, size_t from,
                        size_t to, size_t count, const float *floats, ls_error *err)
{
    const ls_use_change c = {kind, index, from, to, count};
    const size_t bytes = ls_use_change_bytes(&c);
    LS_TRY(ls_cl_remote_check(w->remote, err));
    if (w->changes_bytes + bytes > CHANGES_MOST) {
        ls_use_request request = {.workspace = w->number};
        ls_use_answer a;
        LS_TRY(ls_cl_remote_work(w, LS_MESSAGE_CHANGES, &request, &a, err));
    }
    LS_TRY(ls_grow(&w->changes, &w->changes_room, w->changes_bytes + bytes, 1, "changes", err));
    unsigned char *at = w->changes + w->changes_bytes;
    memset(at, 0, bytes);
    memcpy(at, &c, sizeof c);
    if (floats) memcpy(at + sizeof c, floats, count * sizeof *floats);
    w->changes_bytes += bytes;
    return LS_OK;
}

/* ---- Rows and arenas ------------------------------------------------------------------------- */

/* Moves `count` floats in pieces through the window: from `from`, or to `to`. */
static ls_status transfer(ls_cl_remote_workspace *w, ls_message_kind kind, ls_use_request *request,
                          size_t count, const float *from, float *to, ls_error *err)
{
    size_t at = request->at, most = ARRAY_MOST / sizeof(float);
    ls_cl_remote_interrupt(w);
    for (size_t done = 0, n; done < count; done += n) {
        unsigned char *window;
        ls_use_answer a;
        n = count - done < most ? count - done : most;
        LS_TRY(ls_cl_remote_window(w->remote, sizeof(float), &window, err));
        n = room_for(w->remote, n * sizeof(float)) / sizeof(float);
        request->at = at + done, request->count = n;
        if (from) memcpy(window, from + done, n * sizeof *from);
        LS_TRY(ls_cl_remote_work(w, kind, request, &a, err));
        if (to) memcpy(to + done, window, n * sizeof *to);
    }
    return LS_OK;
}

static ls_status fill(ls_cl_remote_workspace *w, ls_cl_column which, size_t count,
                      const float *from, ls_error *err)
{
    ls_use_request request = {.workspace = w->number, .which = (int)which};
    return from ? transfer(w, LS_MESSAGE_FILL, &request, count, from, NULL, err) : LS_OK;
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
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_cl_remote_interrupt(w);
    w->turns = 0;
    return send_rows(w, data, err);
}

ls_status ls_cl_remote_read(ls_workspace *base, size_t index, size_t at, size_t count, float *to,
                            ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number, .member = index, .at = at};
    return transfer(w, LS_MESSAGE_READ, &request, count, NULL, to, err);
}

ls_status ls_cl_remote_read_twice(ls_workspace *base, size_t index, size_t at, size_t count,
                                  float *to, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number, .member = index, .at = at, .flag = true};
    return transfer(w, LS_MESSAGE_READ, &request, count, NULL, to, err);
}

ls_status ls_cl_remote_write(ls_workspace *base, size_t index, size_t at, size_t count,
                             const float *from, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number, .member = index, .at = at};
    if (count > CHANGE_MOST) return transfer(w, LS_MESSAGE_WRITE, &request, count, from, NULL, err);
    ls_cl_remote_interrupt(w);
    return count ? change(w, LS_CHANGE_WRITE, index, 0, at, count, from, err) : LS_OK;
}

ls_status ls_cl_remote_copy(ls_workspace *base, size_t index, size_t from, size_t to, size_t count,
                            ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_cl_remote_interrupt(w);
    return count ? change(w, LS_CHANGE_COPY, index, from, to, count, NULL, err) : LS_OK;
}

/* Copies of the member that wait are of no use to anybody. */
static void forget(ls_cl_remote_workspace *w, size_t index)
{
    size_t kept = 0, bytes;
    for (size_t at = 0; at < w->changes_bytes; at += bytes) {
        const ls_use_change c = *(const ls_use_change *)(w->changes + at);
        bytes = ls_use_change_bytes(&c);
        if (c.kind != LS_CHANGE_REMOVE && c.member == index) continue;
        memmove(w->changes + kept, w->changes + at, bytes);
        kept += bytes;
    }
    w->changes_bytes = kept;
}

ls_status ls_cl_remote_remove(ls_cl_remote_workspace *w, size_t index, ls_error *err)
{
    ls_cl_remote_interrupt(w);
    if (w->usual.member == index) w->turns = 0;
    forget(w, index);
    return change(w, LS_CHANGE_REMOVE, index, 0, 0, 0, NULL, err);
}

/* ---- What is foretold ------------------------------------------------------------------------ */

/* If the last runs of a member were each followed by the same inference, the next run has its
 * results with it. */
enum { TURNS = 2 };

void ls_cl_remote_interrupt(ls_cl_remote_workspace *w)
{
    if (w->has_run) w->turns = 0;
    w->has_run = false;
    w->remote->foretold.workspace = NULL;
}

static bool is_same(const ls_cl_inference *a, const ls_cl_inference *b)
{
    return a->member == b->member && a->first == b->first && a->rows == b->rows &&
           a->which == b->which;
}

/* An inference is asked for. */
static void note_turn(ls_cl_remote_workspace *w, const ls_cl_inference *of)
{
    bool follows = w->has_run && w->ran == of->member;
    if (!follows) w->turns = 0;
    else if (w->turns && is_same(&w->usual, of)) w->turns++;
    else w->turns = 1;
    w->usual = *of;
    w->has_run = false;
}

/* The floats of its results. */
static size_t results_of(const ls_cl_remote_workspace *w, const ls_cl_inference *of)
{
    size_t outputs = of->which & LS_USE_OUTPUTS ? w->plans[of->member]->outputs : 0;
    return of->rows * (outputs + (of->which & LS_USE_LOSSES ? 1 : 0));
}

/* Whether a run is likely to be followed by the usual inference, which is quick. */
static bool is_likely(ls_cl_remote_workspace *w, const ls_run *run)
{
    const ls_cl_inference *of = &w->usual;
    return w->turns >= TURNS && of->member == run->member && !run->keep && of->which &&
           w->infer.most && w->infer.each * (double)of->rows < quick &&
           rows_of_piece(w, w->plans[of->member], of->rows) == of->rows;
}

static void give_results(const ls_cl_remote_workspace *w, const ls_cl_inference *of,
                         const float *results, float *outputs, float *losses)
{
    size_t count = outputs ? of->rows * w->plans[of->member]->outputs : 0;
    if (outputs) memcpy(outputs, results, count * sizeof *outputs);
    if (losses) memcpy(losses, results + count, of->rows * sizeof *losses);
}

/* Gives the results if they are there. */
static bool is_foretold(ls_cl_remote_workspace *w, const ls_cl_inference *of, float *outputs,
                        float *losses)
{
    ls_cl_foretold *f = &w->remote->foretold;
    bool there = f->workspace == w && is_same(&f->of, of);
    if (there)
        give_results(w, of, (const float *)w->remote->helper.shared->window + f->at, outputs,
                     losses);
    f->workspace = NULL;
    return there;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

enum { STEP_BYTES = sizeof(ls_rates) + sizeof(float) };

/* Steps [from, from + most) of the runs that have any; `last` of them all. */
typedef struct {
    const ls_run *runs;
    size_t count;
    uint64_t from, most;
    bool last;
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

/* Asks for the usual inference after the steps, if that is likely to come and there is room behind
 * the `bytes` of these. */
static void foretell(ls_cl_remote_workspace *w, const piece *p, size_t bytes, ls_use_request *r)
{
    const ls_cl_inference *of = &w->usual;
    if (!p->last || p->count != 1 || !is_likely(w, p->runs)) return;
    bytes += results_of(w, of) * sizeof(float);
    if (room_for(w->remote, bytes) < bytes) return;
    r->member = of->member, r->at = of->first, r->rows = of->rows, r->which = of->which;
}

/* The results of that are at *at. */
static void note_foretold(ls_cl_remote_workspace *w, const ls_use_request *r, const float *at,
                          double seconds)
{
    const float *window = (const float *)w->remote->helper.shared->window;
    if (!r->which) return;
    note_piece(&w->infer, r->rows, 1, seconds);
    w->remote->foretold = (ls_cl_foretold){w, w->usual, (size_t)(at - window)};
}

static ls_status run_piece(ls_cl_remote_workspace *w, const piece *p, ls_error *err)
{
    ls_use_request request = {.workspace = w->number, .careful = is_careful(&w->run)};
    ls_use_answer a;
    unsigned char *window;
    float *losses;
    uint64_t steps = 0, longest = 0;
    for (size_t i = 0; i < p->count; i++) {
        uint64_t count = steps_in(p, i);
        steps += count;
        if (count > longest) longest = count;
    }
    size_t bytes = p->count * sizeof(ls_use_run) + (size_t)steps * STEP_BYTES;
    LS_TRY(ls_cl_remote_window(w->remote, bytes, &window, err));
    foretell(w, p, bytes, &request);
    request.count = pack(p, window, (size_t)steps, &losses);
    double started = ls_message_clock();
    LS_TRY(ls_cl_remote_work(w, LS_MESSAGE_RUN, &request, &a, err));
    double seconds = ls_message_clock() - started;
    note_piece(&w->run, longest, p->count, request.which ? seconds - a.seconds : seconds);
    unpack(p, losses);
    note_foretold(w, &request, losses + steps, a.seconds);
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
        p.last = left <= p.most;
        LS_TRY(run_piece(w, &p, err));
    }
    return LS_OK;
}

ls_status ls_cl_remote_run(ls_workspace *base, const ls_run *runs, size_t count, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    const size_t most = CALL_MOST / (sizeof(ls_use_run) + STEP_BYTES) / 2;
    unsigned char *window;
    ls_cl_remote_interrupt(w);
    LS_TRY(ls_cl_remote_window(w->remote, 1, &window, err));
    for (size_t from = 0, n; from < count; from += n) {
        n = count - from < most ? count - from : most;
        LS_TRY(run_members(w, runs + from, n, err));
    }
    w->has_run = count == 1 && runs->count;
    w->ran = count ? runs->member : 0;
    return LS_OK;
}

ls_status ls_cl_remote_run_part(ls_workspace *base, const ls_part *part, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {
        .workspace = w->number, .member = part->member, .careful = is_careful(&w->run)};
    const ls_use_part sent = {part->step, part->first, part->rows,
                              part->from, part->to,    *part->rates};
    ls_use_answer a;
    unsigned char *window;
    ls_cl_remote_interrupt(w);
    LS_TRY(ls_cl_remote_window(w->remote, sizeof sent, &window, err));
    memcpy(window, &sent, sizeof sent);
    double started = ls_message_clock();
    LS_TRY(ls_cl_remote_work(w, LS_MESSAGE_PART, &request, &a, err));
    note_piece(&w->run, 1, 1, ls_message_clock() - started);
    return LS_OK;
}

/* ---- Inference ------------------------------------------------------------------------------- */

/* The next rows of an inference, as many as a piece has: part->rows. */
static ls_status infer_piece(ls_cl_remote_workspace *w, ls_cl_inference *part, size_t left,
                             const float **results, ls_error *err)
{
    const ls_plan *plan = w->plans[part->member];
    unsigned char *window;
    ls_use_answer a;
    LS_TRY(ls_cl_remote_window(w->remote, 1, &window, err));
    part->rows = rows_of_piece(w, plan, left);
    LS_TRY(ls_cl_remote_window(w->remote, part->rows * (plan->outputs + 1) * sizeof(float), &window,
                               err));
    ls_use_request request = {.workspace = w->number,
                              .member = part->member,
                              .at = part->first,
                              .count = part->rows,
                              .which = part->which,
                              .careful = is_careful(&w->infer)};
    double started = ls_message_clock();
    LS_TRY(ls_cl_remote_work(w, LS_MESSAGE_INFER, &request, &a, err));
    note_piece(&w->infer, part->rows, 1, ls_message_clock() - started);
    *results = (const float *)window;
    return LS_OK;
}

ls_status ls_cl_remote_infer(ls_workspace *base, size_t index, size_t first, size_t rows,
                             float *outputs, float *losses, ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    const ls_cl_inference all = {index, first, rows,
                                 (outputs ? LS_USE_OUTPUTS : 0) | (losses ? LS_USE_LOSSES : 0)};
    assert(index < w->room && w->plans[index]);
    const size_t width = w->plans[index]->outputs;
    LS_TRY(ls_cl_remote_check(w->remote, err));
    note_turn(w, &all);
    if (is_foretold(w, &all, outputs, losses)) return LS_OK;
    ls_cl_inference part = all;
    for (size_t done = 0; done < rows; done += part.rows) {
        const float *results;
        part.first = first + done;
        LS_TRY(infer_piece(w, &part, rows - done, &results, err));
        give_results(w, &part, results, outputs ? outputs + done * width : NULL,
                     losses ? losses + done : NULL);
    }
    return LS_OK;
}
