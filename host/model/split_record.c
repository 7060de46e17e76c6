/* SPDX-License-Identifier: MIT */
#include "host/model/split_record.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/data/fingerprint.h"
#include <stdlib.h>

void ls_split_record_free(ls_split_record *r)
{
    if (r) free(r->read);
    free(r);
}

ls_status ls_split_record_copy(const ls_split_record *from, ls_split_record **to, ls_error *err)
{
    ls_split_record *copy;
    LS_TRY(ls_alloc(&copy, 1, sizeof *copy, "the split", err));
    *copy = *from;
    copy->read = ls_strdup(from->read);
    if (!copy->read) {
        free(copy);
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the split");
    }
    *to = copy;
    return LS_OK;
}

ls_status ls_split_hash(const ls_data *rows, const ls_data *test, char hex[65], ls_error *err)
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    LS_TRY(ls_hash_data(&sha, rows, err));
    if (test) LS_TRY(ls_hash_data(&sha, test, err));
    ls_sha256_final(&sha, hex);
    return LS_OK;
}
