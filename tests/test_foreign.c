/* SPDX-License-Identifier: MIT */
/* Files of other formats are named as such, with what to do, by their contents; files of rows that
 * only look like them are read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/foreign.h"
#include "tests/support/program.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(foreign, .init = enter, .fini = leave, .timeout = 300);

#define BYTES(text) text, sizeof(text) - 1
/* The header of a zip file's entry up to its name. */
#define ZIP "PK\3\4\x14\0\0\0\x08\0AAAABBBBCCCCDDDD\x10\0\0\0"

static const struct {
    const char *bytes;
    size_t size;
    const char *says;
} files[] = {
    {BYTES(ZIP "[Content_Types].xml"), "Excel"},
    {BYTES(ZIP "xl/workbook.xml"), "Excel"},
    {BYTES(ZIP "mimetypeapplication/vnd.oasis"), "OpenDocument"},
    {BYTES(ZIP "data/iris.csv"), "zip archive"},
    {BYTES("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "zip archive"},
    {BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0"), "Excel"},
    {BYTES("PAR1\x15\x04\x15\x10\x15\x14\x4c\x15\x02\x15\x04\x12"), "Parquet"},
    {BYTES("ARROW1\0\0\xff\xff\xff\xff\x78\1\0\0"), "Feather"},
    {BYTES("FEA1\0\0\0\0abcdefgh"), "Feather"},
    {BYTES("\xff\xff\xff\xff\x78\1\0\0\x10\0\0\0\0\0\0\0"), "Arrow"},
    {BYTES("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), "HDF5"},
    {BYTES("SQLite format 3\0\x10\0\1\1"), "SQLite"},
    {BYTES("\x80\x04\x95\xd7\1\0\0\0\0\0\0\x8c\x11pandas"), "pickle"},
    {BYTES("\x80\x05\x95\xd7\1\0\0\0\0\0\0\x8c\x11pandas"), "pickle"},
    {BYTES("%PDF-1.7\n%\xe2\xe3\xcf\xd3"), "PDF"},
    {BYTES("BZh91AY&SY\x12\x34\x56\x78\x90\x12"), "bunzip2"},
    {BYTES("\xfd"
           "7zXZ\0\0\4\xe6\xd6\xb4\x46\2\0\x21\1"),
     "unxz"},
    {BYTES("\x28\xb5\x2f\xfd\x24\x20\1\1\0\0\0\0\0\0\0\0"), "unzstd"},
    {BYTES("[{\"a\": 1, \"b\": 2}]"), "JSON"},
    {BYTES("[\n    {\n  \"a\": 1}]"), "JSON"},
    {BYTES("{\"a\": 1, \"y\": 0}\n{\"a\": 2, \"y\": 1}\n"), "JSON"},
    {BYTES("\xef\xbb\xbf{ \"columns\": [\"a\"]}"), "JSON"},
    {BYTES("<!doctype HTML>\n<title>iris</title>"), "web page"},
    {BYTES("<?xml version=\"1.0\"?><a></a>"), "XML"},
    {BYTES("@RELATION iris\n@attribute a real\n"), "ARFF"},
    {BYTES("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"},
    {BYTES("\x40\2\0\0\0\0\0\0{\"__metadata__\""), "model"},
    {BYTES("a\0,\0b\0\r\0\n\0001\0,\0x\0\r\0\n\0"), "UTF-16"},
    {BYTES("\xff\xfe"
           "a\0,\0b\0\r\0\n\0"),
     "UTF-16"},
    {BYTES("\xfe\xff\0a\0,\0b\0\r\0\n"), "UTF-16"},
};

static const char *const tables[] = {
    "PAR1,PAR2,kind\n1,2,a\n2,1,b\n3,4,a\n",
    "ORC,elf\n1,a\n2,b\n3,b\n",
    "ARROW1\tx\n1\ta\n2\tb\n1\ta\n",
    "[a],{b},kind\n1,2,a\n2,1,b\n3,2,b\n",
    "BZh1,kind\n1,a\n2,b\n2,b\n",
    "PK,kind\n1,a\n2,b\n2,b\n",
    "MATLAB score,kind\n1,a\n2,b\n2,b\n",
};

static void check(const char *path, const char *says)
{
    ls_data *data = NULL;
    ls_error err;
    cr_expect_eq(ls_data_read(path, NULL, &data, &err), LS_ERR_DATA, "%s is read", says);
    cr_expect(strstr(err.message, says) && strstr(err.message, path) && strstr(err.message, ";"),
              "%s: %s", says, err.message);
    cr_expect(!strchr(err.message, '\n'), "%s", err.message);
}

Test(foreign, files_are_named_with_what_to_do)
{
    for (size_t i = 0; i < RUNS_COUNT(files); i++) {
        runs_file_write("rows.csv", files[i].bytes, files[i].size);
        check("rows.csv", files[i].says);
        cr_expect_eq(system("gzip -kf rows.csv"), 0);
        check("rows.csv.gz", files[i].says);
    }
    cr_expect_eq(
        system("mkdir t && echo 1,a > t/x.csv && tar czf rows.tar.gz t && tar cf rows.tar t"), 0);
    check("rows.tar.gz", "tar archive");
    check("rows.tar", "tar archive");
}

Test(foreign, tables_that_begin_alike_are_read)
{
    for (size_t i = 0; i < RUNS_COUNT(tables); i++) {
        ls_data *data = NULL;
        ls_error err;
        runs_file_write("rows", tables[i], strlen(tables[i]));
        cr_assert_eq(ls_data_read("rows", NULL, &data, &err), LS_OK, "%s: %s", tables[i],
                     err.message);
        cr_expect_eq(ls_data_rows(data), 3, "%s", tables[i]);
        ls_data_free(data);
    }
}

#ifdef LS_PROGRAM
/* All commands that read rows, from files and from pipes. */
Test(foreign, commands_name_them)
{
    static const char *const lines[] = {"train rows.xlsx",     "describe rows.xlsx",
                                        "search rows.xlsx",    "evaluate m rows.xlsx",
                                        "predict m rows.xlsx", "train good.csv --test rows.xlsx"};
    runs_file_write("rows.xlsx", files[0].bytes, files[0].size);
    runs_file_write("good.csv", program_mixed_csv, strlen(program_mixed_csv));
    program_do("train good.csv -o m --device cpu -q");
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = runs_program(lines[i]);
        cr_expect(c.status == 1 && strstr(c.err, "rows.xlsx: is an Excel workbook"),
                  "lockstep %s: %d, %s", lines[i], c.status, c.err);
        runs_child_free(&c);
    }
    const char *const pipe[] = {
        "/bin/sh", "-c", "cat rows.xlsx | " LS_PROGRAM " predict m - 2>&1 | grep Excel", NULL};
    runs_child c;
    runs_spawn(pipe, &c);
    cr_expect(c.status == 0 && strstr(c.out, "standard input: is an Excel"), "%s", c.out);
    runs_child_free(&c);
}
#endif
