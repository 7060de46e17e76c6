/* SPDX-License-Identifier: MIT */
/* The rows of a fleet's members: blocks that members share, and the tables that blocks lie in. */
#ifndef LS_FLEET_ROWS_H
#define LS_FLEET_ROWS_H

#include "host/training/fleet_state.h"

/* The block that a model trains on; it is made if no other member has it. */
ls_status ls_fleet_find_block(ls_fleet *fleet, const ls_model *model, const ls_start *start,
                              const ls_data *data, ls_block **out, ls_error *err);
/* Ends a member's use of its block, which is freed after its last use. */
void ls_fleet_release_block(ls_fleet *fleet, ls_block *block);

/* Puts blocks that are in no table yet into new tables, with others of their shape. */
ls_status ls_fleet_build_tables(ls_fleet *fleet, ls_error *err);

#endif
