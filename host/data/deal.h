/* SPDX-License-Identifier: MIT */
/* Divides rows among parts so that each group of rows stays together. */
#ifndef LS_DEAL_H
#define LS_DEAL_H

#include "host/data/data.h"

/* part[rows] = the part of each row, 0 to parts - 1. share[parts]: the wanted shares of the rows,
 * which sum to 1. The data has groups.
 *
 * Algorithm: the groups are shuffled by the seed, then sorted by size, the largest first, where
 * sizes between the same powers of two count as equal, so that the seed decides among groups of
 * similar size. Each group in turn goes to the part p with the smallest sum of
 * g(2n + g) / (share[p] N) over all rows and over each class, where g counts the group's rows, n
 * those that p has already, and N all rows. This is the part that adds least to the squared
 * deviations from the wanted counts, relative to these (Pearson's chi-squared). The last groups go
 * to parts that would be empty otherwise. Without classes, the sum has one term.
 *
 * Errors: LS_ERR_ARGUMENT for fewer groups than parts, or more than 2^32 - 1 rows. */
ls_status ls_groups_deal(const ls_data *data, size_t parts, const double *share, uint64_t seed,
                         uint32_t *part, ls_error *err);

#endif
