/* SPDX-License-Identifier: MIT */
#include "host/data/expected.h"

const char *ls_expected_name(const ls_expected_rows *e, size_t i)
{
    return e->column ? e->column[i].name : e->feature_names[i];
}

ls_role ls_expected_role(const ls_expected_rows *e, size_t i)
{
    return e->column && e->column[i].categorical ? LS_ROLE_CATEGORY : LS_ROLE_NUMBER;
}

bool ls_expected_knows_targets(const ls_expected_rows *e)
{
    bool known = e->source && e->source->columns > 0 && e->targets > 0;
    for (size_t k = 0; known && k < e->targets; k++) known = e->target[k].place != LS_NO_COLUMN;
    return known;
}

const char *ls_expected_noun(const ls_expected_rows *e)
{
    if (e->targets > 1) return "targets";
    return e->task == LS_TASK_CLASSIFICATION ? "class" : "target";
}

size_t ls_expected_targets_before(const ls_expected_rows *e, size_t place)
{
    size_t count = 0;
    if (!ls_expected_knows_targets(e)) return 0;
    for (size_t k = 0; k < e->targets; k++) count += e->target[k].place < place;
    return count;
}

size_t ls_expected_place(const ls_expected_rows *e, size_t i)
{
    if (e->column) return e->column[i].place;
    /* all columns but the targets, in their order */
    for (size_t place = i;;) {
        size_t next = i + ls_expected_targets_before(e, place + 1);
        if (next == place) return place;
        place = next;
    }
}

size_t ls_expected_width(const ls_expected_rows *e)
{
    return e->source && e->source->columns > 0 ? e->source->columns : e->features;
}
