/* SPDX-License-Identifier: MIT */
#include "host/data/walk.h"
#include "host/base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Walking --------------------------------------------------------------------------------- */

typedef struct {
    const ls_data *data;
    ls_walk_take *take;
    void *user;
    size_t done;     /* rows of the data that were taken */
    size_t seen;     /* rows of the file that were read */
    size_t **number; /* [columns] the number of each category of the file in the data, or NULL if
                        they are the same */
    float *x;        /* cells of the data's rows in a block of the file */
    size_t room;     /* rows */
} walk;

/* The categories of the data, which may be a part with fewer of them than the file has. */
static ls_status number_categories(const ls_column *from, const ls_column *to, size_t **out,
                                   ls_error *err)
{
    if (!from->categorical || from->categories == to->categories) return LS_OK;
    LS_TRY(ls_alloc(out, from->categories, sizeof **out, "the categories", err));
    for (size_t k = 0, n = 0; k < from->categories; k++) {
        const bool there = n < to->categories && !strcmp(from->category[k], to->category[n]);
        (*out)[k] = there ? n++ : 0; /* others occur in none of its rows */
    }
    return LS_OK;
}

static ls_status prepare(walk *w, ls_error *err)
{
    const ls_data *d = w->data;
    const ls_apart *a = d->apart;
    LS_TRY(ls_alloc(&w->number, d->columns, sizeof *w->number, "the categories", err));
    for (size_t c = 0; a->column && d->column && c < d->columns; c++)
        LS_TRY(number_categories(&a->column[c], &d->column[c], &w->number[c], err));
    return LS_OK;
}

static void free_walk(walk *w)
{
    for (size_t c = 0; w->number && c < w->data->columns; c++) free(w->number[c]);
    free(w->number);
    free(w->x);
}

static void copy_row(const walk *w, const float *from, float *to)
{
    memcpy(to, from, w->data->columns * sizeof *to);
    for (size_t c = 0; c < w->data->columns; c++)
        if (w->number[c] && !isnan(to[c])) to[c] = (float)w->number[c][(size_t)to[c]];
}

/* Of rows of the file, those of the data. */
static ls_status take_rows(void *user, size_t first, size_t rows, const float *x, ls_error *err)
{
    walk *w = user;
    const ls_data *d = w->data;
    const size_t begun = w->done;
    size_t count = 0;
    w->seen = first + rows;
    if (w->room < rows) {
        free(w->x);
        w->room = 0;
        LS_TRY(ls_alloc(&w->x, rows, d->columns * sizeof *w->x, "the rows", err));
        w->room = rows;
    }
    while (w->done < d->rows && ls_data_row_number(d, w->done) < first + rows) {
        const size_t row = ls_data_row_number(d, w->done++) - first;
        copy_row(w, x + row * d->columns, w->x + count++ * d->columns);
    }
    if (!count) return LS_OK;
    ls_data block = ls_data_block(d, begun, count);
    block.x = w->x;
    return w->take(w->user, &block, begun, err);
}

static ls_status read_all(const ls_apart *a, walk *w, ls_error *err)
{
    return a->fetch ? a->fetch(a, take_rows, w, err) : a->pass(a, 0, SIZE_MAX, take_rows, w, err);
}

ls_status ls_data_walk(const ls_data *data, ls_walk_take *take, void *user, ls_error *err)
{
    if (!data->apart) return take(user, data, 0, err);
    walk w = {.data = data, .take = take, .user = user};
    ls_status status = prepare(&w, err);
    if (status == LS_OK) status = read_all(data->apart, &w, err);
    if (status == LS_OK && (w.done < data->rows || w.seen != data->apart->rows))
        status = ls_fail(err, LS_ERR_IO,
                         "the file has changed since it was read first: it had %zu rows, and has "
                         "%zu; start again",
                         data->apart->rows, w.seen);
    free_walk(&w);
    return status;
}

ls_status ls_data_check_kept(const ls_data *data, const char *what, ls_error *err)
{
    if (!data->apart) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "%s: needs all values of a column at once, which --data-shards does not keep; "
                   "leave one of them out",
                   what);
}

/* ---- Categories that occur ------------------------------------------------------------------- */

typedef struct {
    size_t **map; /* [columns][categories] whether it occurs, then its new number */
} narrowing;

static ls_status note_categories(void *user, const ls_data *block, size_t first, ls_error *err)
{
    const narrowing *n = user;
    (void)first, (void)err;
    for (size_t c = 0; c < block->columns; c++)
        for (size_t r = 0; n->map[c] && r < block->rows; r++) {
            float cell = block->x[r * block->columns + c];
            if (!isnan(cell)) n->map[c][(size_t)cell] = 1;
        }
    return LS_OK;
}

/* Removes the unused categories of one column, and renumbers the others. */
static void narrow_column(ls_data *data, size_t c, size_t *map)
{
    ls_column *column = &data->column[c];
    size_t kept = 0;
    for (size_t k = 0; k < column->categories; k++) {
        char *name = column->category[k];
        column->category[k] = NULL;
        if (!map[k]) free(name);
        else column->category[map[k] = kept++] = name;
    }
    column->categories = kept;
    for (size_t r = 0; !data->apart && r < data->rows; r++) {
        float *cell = &data->x[r * data->columns + c];
        if (!isnan(*cell)) *cell = (float)map[(size_t)*cell];
    }
}

static ls_status narrow_all(ls_data *data, narrowing *n, ls_error *err)
{
    bool any = false;
    for (size_t c = 0; c < data->columns; c++) {
        const ls_column *column = &data->column[c];
        if (!column->categorical) continue;
        LS_TRY(ls_alloc(&n->map[c], column->categories ? column->categories : 1, sizeof *n->map[c],
                        "the categories", err));
        any |= column->categories > 0;
    }
    if (!any) return LS_OK;
    LS_TRY(ls_data_walk(data, note_categories, n, err));
    for (size_t c = 0; c < data->columns; c++)
        if (n->map[c]) narrow_column(data, c, n->map[c]);
    ls_column *column = NULL;
    LS_TRY(ls_columns_copy(data->column, data->columns, &column, err));
    return ls_data_describe_columns(data, column, err);
}

ls_status ls_data_narrow(ls_data *data, ls_error *err)
{
    narrowing n;
    LS_TRY(ls_alloc(&n.map, data->columns, sizeof *n.map, "the categories", err));
    ls_status status = narrow_all(data, &n, err);
    for (size_t c = 0; c < data->columns; c++) free(n.map[c]);
    free(n.map);
    return status;
}

/* ---- Missing values -------------------------------------------------------------------------- */

static ls_status count_missing(void *user, const ls_data *block, size_t first, ls_error *err)
{
    size_t *missing = user;
    (void)first, (void)err;
    for (size_t r = 0; r < block->rows; r++)
        for (size_t c = 0; c < block->columns; c++)
            missing[c] += isnan(block->x[r * block->columns + c]) != 0;
    return LS_OK;
}

ls_status ls_data_missing(const ls_data *data, size_t *missing, ls_error *err)
{
    memset(missing, 0, data->columns * sizeof *missing);
    return ls_data_walk(data, count_missing, missing, err);
}
