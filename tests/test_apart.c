/* SPDX-License-Identifier: MIT */
/* Rows whose cells are not kept are those that are: the same cells bit for bit, descriptions, notes
 * and messages; also of parts of a file, as another process reads them. Files are those of the law
 * of reading (test_law), and longer ones of several blocks. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/text.h"
#include "host/data/fingerprint.h"
#include "host/data/read.h"
#include "host/data/split.h"
#include "host/data/walk.h"
#include "host/model/model_data.h"
#include "host/ranks/kept.h"
#include "host/ranks/request.h"
#include "tests/support/data.h"
#include "tests/support/file_maker.h"
#include "tests/support/in_process.h"

enum { FILES = 1500, ROWS = 5000 };

static char path[64];

static void begin(void)
{
    strcpy(path, LS_TEST_FILES);
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
}
static void end(void) { unlink(path); }

TestSuite(apart, .init = begin, .fini = end, .timeout = 300);

static void write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, "%s", path);
}

static void hash(const ls_data *data, char hex[65])
{
    ls_sha256 sha;
    ls_error err;
    ls_sha256_init(&sha);
    cr_assert_eq(ls_hash_data(&sha, data, &err), LS_OK, "%s", err.message);
    ls_sha256_final(&sha, hex);
}

static void check_same(const ls_data *kept, const ls_data *apart, const char *what)
{
    char mine[65], theirs[65];
    cr_assert(apart->apart && !apart->x && !kept->apart);
    cr_assert_eq(apart->rows, kept->rows, "%s", what);
    hash(apart, mine);
    hash(kept, theirs);
    cr_expect_str_eq(mine, theirs, "%s: other data", what);
    cr_expect_eq(apart->dropped, kept->dropped, "%s", what);
    cr_assert_eq(apart->notes, kept->notes, "%s: %zu notes, not %zu", what, apart->notes,
                 kept->notes);
    for (size_t i = 0; i < kept->notes; i++) cr_expect_str_eq(apart->note[i], kept->note[i]);
}

/* Reads the file in both ways. Returns whether it is accepted; then also splits it. */
static bool check_file(const ls_read_options *o, const char *what)
{
    ls_data *kept = NULL, *apart = NULL, *part[4] = {NULL};
    ls_error err = {LS_OK, ""}, other = {LS_OK, ""};
    ls_status wanted = ls_data_read(path, o, &kept, &err),
              got = ls_model_data_apart(path, o, &apart, &other);
    cr_assert_eq(got, wanted, "%s: '%s', not '%s'", what, other.message, err.message);
    if (wanted != LS_OK) {
        cr_expect_str_eq(other.message, err.message, "%s", what);
        return false;
    }
    check_same(kept, apart, what);
    wanted = ls_data_split(kept, 0.3, 7, &part[0], &part[1], &err);
    got = ls_data_split(apart, 0.3, 7, &part[2], &part[3], &other);
    cr_assert_eq(got, wanted, "%s: '%s', not '%s'", what, other.message, err.message);
    for (size_t i = 0; i < 2 && wanted == LS_OK; i++) check_same(part[i], part[2 + i], what);
    for (size_t i = 0; i < 4; i++) ls_data_free(part[i]);
    ls_data_free(kept);
    ls_data_free(apart);
    return true;
}

Test(apart, files_of_the_law)
{
    static made_file file;
    static char bytes[MADE_BYTES], what[64];
    bool kinds[MADE_WAYS];
    size_t read = 0;
    for (size_t i = 0; i < MADE_WAYS; i++) kinds[i] = true;
    for (uint64_t seed = 1; seed <= FILES; seed++) {
        made_draw(seed, kinds, &file);
        const made_part whole = made_whole(&file);
        const ls_read_options o = made_options(&file);
        write_file(bytes, made_write(&file, &whole, bytes, NULL));
        snprintf(what, sizeof what, "seed %llu", (unsigned long long)seed);
        read += check_file(&o, what);
    }
    cr_expect_gt(read, FILES / 2, "only %zu files were accepted", read);
}

/* ---- Parts of a file ------------------------------------------------------------------------- */

typedef struct {
    const ls_data *kept;
    size_t next; /* row */
} expected;

static ls_status expect_rows(void *user, size_t first, size_t rows, const float *x, ls_error *err)
{
    expected *e = user;
    (void)err;
    cr_assert_eq(first, e->next);
    cr_assert_leq(first + rows, e->kept->rows);
    cr_expect_arr_eq(x, e->kept->x + first * e->kept->columns, rows * e->kept->columns * sizeof *x,
                     "rows %zu to %zu", first, first + rows);
    e->next += rows;
    return LS_OK;
}

/* Each part by itself, in any order, as another process reads it. */
static void check_parts(const ls_read_options *o)
{
    ls_data *kept, *apart;
    ls_apart *there;
    ls_error err = {LS_OK, ""};
    char *bytes;
    size_t size;
    cr_assert_eq(ls_data_read(path, o, &kept, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_data_apart(path, o, &apart, &err), LS_OK, "%s", err.message);
    cr_assert(apart->apart->ranged);
    cr_assert_eq(ls_apart_pack(apart->apart, &bytes, &size, &err), LS_OK, "%s", err.message);
    for (size_t cut = 0; cut < size; cut += 1 + size / 50)
        cr_expect_neq(ls_apart_unpack(bytes, cut, &there, NULL), LS_OK, "%zu of %zu bytes", cut,
                      size);
    cr_assert_eq(ls_apart_unpack(bytes, size, &there, &err), LS_OK, "%s", err.message);
    cr_assert_gt(kept->rows, 3 * LS_APART_BLOCK);
    for (size_t last = (kept->rows - 1) / LS_APART_BLOCK, first = last + 1; first-- > 0;)
        for (size_t blocks = 1; first + blocks <= last + 1; blocks++) {
            const size_t from = first * LS_APART_BLOCK, most = blocks * LS_APART_BLOCK,
                         left = kept->rows - from;
            expected e = {kept, from};
            cr_assert_eq(there->pass(there, from, most, expect_rows, &e, &err), LS_OK, "%s",
                         err.message);
            cr_expect_eq(e.next, from + (most < left ? most : left));
        }
    ls_apart_free(there);
    free(bytes);
    ls_data_free(kept);
    ls_data_free(apart);
}

/* Categories appear late; records are of several lines, with blank lines between them; numbers have
 * a unit that only the first ones show to be one. */
static void write_long(void)
{
    ls_text text = {0};
    ls_text_add(&text, "\xef\xbb\xbf# about these rows\nname,\"two\nwords\",price,n,y\r\n");
    for (size_t i = 0; i < ROWS; i++) {
        ls_text_add(&text, "k%zu,\"a\n\"\"%zu\"\"\r\n\",", i / 400, i % 7 + i / 3000);
        if (i % 11) ls_text_add(&text, "$%zu.%zu,", i % 90, i % 10);
        else ls_text_add(&text, "NA,");
        ls_text_add(&text, "%.9g,%s\n%s", (double)i / 7, i % 3 ? "yes" : "no", i % 5 ? "" : "\n");
    }
    cr_assert(!text.failed);
    write_file(text.text, text.length);
    free(text.text);
}

Test(apart, parts_of_a_text)
{
    const ls_read_options o = {.struct_size = sizeof o, .units = "price"};
    write_long();
    cr_expect(check_file(&o, "long"));
    check_parts(&o);
}

static void write_matrix(const char *type, size_t width, const void *numbers, size_t rows,
                         size_t columns)
{
    char head[128] = "\x93NUMPY\x01";
    int length = snprintf(head + 10, sizeof head - 10,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }", type,
                          rows, columns);
    memset(head + 10 + length, ' ', sizeof head - 10 - (size_t)length);
    head[sizeof head - 1] = '\n';
    head[8] = (char)(sizeof head - 10);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(head, 1, sizeof head, file) == sizeof head &&
              fwrite(numbers, width, rows * columns, file) == rows * columns && fclose(file) == 0);
}

Test(apart, parts_of_a_matrix)
{
    static double x[ROWS][4];
    const ls_read_options plain = {.struct_size = sizeof plain},
                          marked = {.struct_size = sizeof marked, .categorical = "1"};
    for (size_t i = 0; i < ROWS; i++) {
        x[i][0] = i % 17 ? (double)i / 3 : NAN;
        x[i][1] = (double)(i / 300 % 9);
        x[i][2] = 1e9 + (double)(i % 5) / 4; /* float32 joins them */
        x[i][3] = (double)(i % 3);
    }
    write_matrix("<f8", 8, x, ROWS, 4);
    cr_expect(check_file(&plain, "plain"));
    check_parts(&plain);
    cr_expect(check_file(&marked, "categories"));
    check_parts(&marked);
}

/* The first number that float32 rounds comes after one that it then equals. */
Test(apart, joined_values_far_apart)
{
    static double x[ROWS][2];
    const ls_read_options o = {.struct_size = sizeof o};
    for (size_t at = 1; at < ROWS; at = 3 * at + 1) {
        for (size_t i = 0; i < ROWS; i++) x[i][0] = (double)(i % 100), x[i][1] = (double)(i % 2);
        x[at / 2][0] = 16777216;
        x[at][0] = 16777217;
        write_matrix("<f8", 8, x, ROWS, 2);
        cr_expect(check_file(&o, "joined"));
    }
}

/* ---- Ranks as threads ------------------------------------------------------------------------ */

/* Fails at a row once. */
typedef struct {
    expected e;
    size_t fails_at;
} failing;

static ls_status fail_once(void *user, size_t first, size_t rows, const float *x, ls_error *err)
{
    failing *f = user;
    if (first + rows > f->fails_at) return ls_fail(err, LS_ERR_DATA, "as the test wants");
    return expect_rows(&f->e, first, rows, x, err);
}

/* The leader fetches all rows, fails within them, and fetches them again. */
static ls_status lead(ls_rank *leader, const ls_data *kept, ls_error *err)
{
    ls_data *data;
    ls_error why = {LS_OK, ""};
    const ls_read_options o = {.struct_size = sizeof o, .units = "price"};
    LS_TRY(ls_model_data_apart(path, &o, &data, err));
    ls_status status = ls_kept_begin(leader, data->apart, err);
    if (status == LS_OK) check_same(kept, data, "ranks");
    for (size_t at = 0; at < kept->rows && status == LS_OK; at += kept->rows / 5 + 1) {
        failing f = {{kept, 0}, at};
        cr_expect_eq(data->apart->fetch(data->apart, fail_once, &f, &why), LS_ERR_DATA);
        cr_expect_str_eq(why.message, "as the test wants");
        f = (failing){{kept, 0}, SIZE_MAX};
        status = data->apart->fetch(data->apart, fail_once, &f, err);
        cr_expect_eq(f.e.next, kept->rows);
    }
    ls_data_free(data);
    return status;
}

static ls_status work(ls_transport *t, void *user, ls_error *err)
{
    ls_rank rank;
    bool ended = false;
    LS_TRY(ls_rank_start(t, NULL, &rank, err));
    ls_status status = LS_OK;
    if (t->rank == LS_LEADER) {
        ls_error late;
        status = lead(&rank, user, err);
        (void)ls_ask_all(&rank, &(ls_ask){.kind = LS_ASK_END, .owner = LS_ALL_RANKS}, NULL, &late);
    }
    while (t->rank != LS_LEADER && !ended && status == LS_OK)
        status = ls_follow_one(&rank, &ended, err);
    ls_rank_free(&rank);
    return status;
}

Test(apart, ranks_keep_parts)
{
    ls_data *kept;
    ls_error err = {LS_OK, ""};
    const ls_read_options o = {.struct_size = sizeof o, .units = "price"};
    write_long();
    cr_assert_eq(ls_data_read(path, &o, &kept, &err), LS_OK, "%s", err.message);
    for (int ranks = 1; ranks <= 9; ranks++) /* the last ones have no rows */
        cr_expect_eq(in_process_run(ranks, work, kept, NULL, &err), LS_OK, "%d ranks: %s", ranks,
                     err.message);
    ls_data_free(kept);
}

/* ---- Files that change ----------------------------------------------------------------------- */

static ls_status ignore(void *user, const ls_data *block, size_t first, ls_error *err)
{
    (void)user, (void)block, (void)first, (void)err;
    return LS_OK;
}

Test(apart, a_changed_file_is_refused)
{
    static const char *const later[] = {
        "a,b,y\n1,p,0\n2,q,1\n3,p,0\n4,p,1\n",               /* a row less */
        "a,b,y\n1,p,0\n2,q,1\n3,p,0\n4,p,1\n5,q,1\n6,p,1\n", /* one more */
        "a,b,y\n1,p,0\n2,r,1\n3,q,0\n4,p,1\n5,q,1\n",        /* a category more */
        "a,b,y\n1,p,0\n2,q,1\nx,p,0\n4,p,1\n5,q,1\n",        /* a text among numbers */
        "a,b,c,y\n1,p,1,0\n2,q,1,1\n3,p,1,0\n4,p,1,1\n5,q,1,1\n",
        ""};
    static const char first[] = "a,b,y\n1,p,0\n2,q,1\n3,p,0\n4,p,1\n5,q,1\n";
    const ls_read_options o = {.struct_size = sizeof o};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        ls_data *data;
        ls_error err = {LS_OK, ""};
        write_file(first, strlen(first));
        cr_assert_eq(ls_model_data_apart(path, &o, &data, &err), LS_OK, "%s", err.message);
        cr_expect_eq(ls_data_walk(data, ignore, NULL, &err), LS_OK, "%s", err.message);
        write_file(later[i], strlen(later[i]));
        cr_expect_neq(ls_data_walk(data, ignore, NULL, &err), LS_OK, "%s", later[i]);
        ls_data_free(data);
    }
}
