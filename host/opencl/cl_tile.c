/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_tile.h"
#include <string.h>

/* Neither struct has padding, so that their bytes can be compared. */
_Static_assert(sizeof(ls_cl_register_tile) == 5 * sizeof(unsigned), "five numbers");
_Static_assert(sizeof(ls_cl_local_tile) == 11 * sizeof(unsigned), "eleven numbers");

bool ls_cl_tile_equal(const ls_cl_tile *a, const ls_cl_tile *b)
{
    if (a->family != b->family) return false;
    return a->family == LS_TILE_REGISTER ? !memcmp(&a->reg, &b->reg, sizeof a->reg)
                                         : !memcmp(&a->local, &b->local, sizeof a->local);
}

size_t ls_cl_tile_panel(const ls_cl_register_tile *tile)
{
    return (size_t)tile->vectors * tile->lanes;
}
