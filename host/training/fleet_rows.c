/* SPDX-License-Identifier: MIT */
#include "host/training/fleet_rows.h"
#include "host/base/memory.h"
#include <stdlib.h>

/* Bytes of a table of several blocks at most: any device can allocate a buffer of this size. */
enum { TABLE_BYTES = 64 << 20 };

ls_status ls_fleet_build_tables(ls_fleet *fleet, ls_error *err)
{
    ls_block **together;
    uint64_t most = fleet->limit / 4 < TABLE_BYTES ? fleet->limit / 4 : TABLE_BYTES;
    LS_TRY(ls_alloc(&together, fleet->blocks, sizeof *together, "the training rows", err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < fleet->blocks && status == LS_OK; i++) {
        uint64_t bytes = 0;
        size_t n = 0;
        if (fleet->block[i]->table) continue;
        for (size_t k = i; k < fleet->blocks; k++) {
            ls_block *b = fleet->block[k];
            const ls_block *first = fleet->block[i];
            bool alike = k == i || (!b->apart && !first->apart && b->features == first->features &&
                                    b->outputs == first->outputs);
            if (b->table || !alike || (n && bytes + ls_block_bytes(b) > most)) continue;
            bytes += ls_block_bytes(b);
            together[n++] = b;
        }
        status = ls_grow(&fleet->table, &fleet->table_capacity, fleet->tables + 1,
                         sizeof *fleet->table, "the training rows", err);
        if (status == LS_OK)
            status = ls_table_build(together, n, fleet->backend->slots->deals,
                                    &fleet->table[fleet->tables], err);
        if (status == LS_OK) fleet->tables++;
    }
    free(together);
    return status;
}

static void remove_table(ls_fleet *fleet, ls_table *table)
{
    size_t i = 0;
    while (fleet->table[i] != table) i++;
    fleet->table[i] = fleet->table[--fleet->tables];
    ls_table_free(table);
}

void ls_fleet_release_block(ls_fleet *fleet, ls_block *block)
{
    size_t i = 0;
    if (block->members && --block->members) return;
    while (fleet->block[i] != block) i++;
    fleet->block[i] = fleet->block[--fleet->blocks];
    if (block->table && !--block->table->blocks) remove_table(fleet, block->table);
    ls_block_free(block);
}

ls_status ls_fleet_find_block(ls_fleet *fleet, const ls_model *model, const ls_start *start,
                              const ls_data *data, ls_block **out, ls_error *err)
{
    const ls_settings *settings = &model->options->settings;
    for (size_t i = fleet->blocks; i-- > 0;)
        if (ls_block_serves(fleet->block[i], settings, &model->network, start, data)) {
            *out = fleet->block[i];
            return LS_OK;
        }
    LS_TRY(ls_grow(&fleet->block, &fleet->block_capacity, fleet->blocks + 1, sizeof *fleet->block,
                   "the training rows", err));
    LS_TRY(ls_block_prepare(settings, &model->network, start, data, &fleet->block[fleet->blocks],
                            err));
    *out = fleet->block[fleet->blocks++];
    return LS_OK;
}
