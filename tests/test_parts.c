/* SPDX-License-Identifier: MIT */
/* Several files of one table. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/program.h"

static char folder[64];

static void make(const char *path, const char *text) { runs_file_write(path, text, strlen(text)); }

static void enter(void)
{
    runs_folder_enter(folder);
    make("whole.csv", "a,kind,b\n1,x,2\n2,y,4\n3,x,1\n4,y,5\n5,x,0\n6,y,7\n7,x,2\n8,y,9\n");
    make("one.csv", "a,kind,b\n1,x,2\n2,y,4\n3,x,1\n");
    make("two.csv", "b,a,kind\n5,4,y\n0,5,x"); /* in another order, without a line end */
    make("three.csv", "\xef\xbb\xbf"
                      "a,kind,b\r\n6,y,7\r\n\r\n7,x,2\r\n8,y,9\r\n");
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(parts, .init = enter, .fini = leave, .timeout = 300);

static void expect_same(const char *whole, const char *parts)
{
    char *a = runs_program_expect(whole, 0), *b = runs_program_expect(parts, 0);
    cr_expect_str_eq(a, b, "lockstep %s", parts);
    free(a);
    free(b);
}

Test(parts, are_one_table)
{
    program_do("train whole.csv --target kind --epochs 4 --device cpu -q -o whole.st");
    program_do(
        "train one.csv two.csv three.csv --target kind --epochs 4 --device cpu -q -o parts.st");
    char a[65], b[65];
    runs_file_sha256("whole.st", a);
    runs_file_sha256("parts.st", b);
    cr_expect_str_eq(a, b);
    expect_same("predict whole.st whole.csv --keep all",
                "predict whole.st one.csv two.csv three.csv --keep all");
    expect_same("evaluate whole.st whole.csv --device cpu",
                "evaluate whole.st one.csv two.csv three.csv --device cpu");
    expect_same("describe whole.csv --target kind",
                "describe one.csv two.csv three.csv --target kind");
    cr_expect_eq(system("gzip -k two.csv"), 0);
    expect_same("describe whole.csv --target kind",
                "describe one.csv two.csv.gz three.csv --target kind");
}

/* The header of the first file is not taken for data because it comes again, also where all is
 * text. */
Test(parts, headers_come_again)
{
    make("t1.csv", "color,shape\nred,round\nblue,square\nred,square\n");
    make("t2.csv", "shape,color\nround,red\nround,blue\n");
    char *text = runs_program_expect("describe t1.csv t2.csv", 0);
    cr_expect(strstr(text, "rows        5") && strstr(text, "color"), "%s", text);
    free(text);
    make("n1.csv", "1,2,x\n2,3,y\n");
    make("n2.csv", "1,2,x\n5,3,y\n"); /* no header: the same row twice stays */
    text = runs_program_expect("describe n1.csv n2.csv", 0);
    cr_expect(strstr(text, "rows        4"), "%s", text);
    free(text);
}

Test(parts, runs_are_repeated)
{
    program_do("train one.csv two.csv three.csv --target kind --run r --epochs 3 --device cpu -q");
    program_do("verify r --device cpu -q");
    program_do("train --config r/run.json --run again -q");
    program_do("verify r again -q");
    cr_expect_eq(system("sed -i s/5,4/5,3/ two.csv"), 0);
    runs_child c = runs_program("verify r -q");
    cr_expect(c.status == 2 && strstr(c.err, "SHA-256"), "%s", c.err);
    runs_child_free(&c);
}

Test(parts, others_are_refused)
{
    static const program_mistake list[] = {
        {"train one.csv other.csv -q", 1, "other.csv \"c\""},
        {"train one.csv narrow.csv -q", 1, "narrow.csv names"},
        {"train one.csv missing.csv -q", 1, "missing.csv"},
        {"train one.csv moons -q", 2, "moons generator"},
        {"train moons circles -q", 2, "circles generator"},
        {"train one.csv bad.csv -q --target kind", 1, "bad.csv line 3"},
        {"train one.csv sheet.xlsx -q", 1, "sheet.xlsx Excel"},
        {"train a.npy one.csv -q", 2, "a.npy"},
        {"train one.csv two.csv --target kind -o two.csv", 2, "two.csv input"},
        {"show one.csv two.csv", 2, "'two.csv'"},
    };
    make("other.csv", "a,kind,c\n1,x,2\n");
    make("narrow.csv", "a,kind\n1,x\n");
    make("bad.csv", "a,kind,b\n1,x,2\nq,y,2\n");
    runs_file_write("sheet.xlsx", "PK\3\4\x14\0\0\0\x08\0AAAABBBBCCCCDDDD\x10\0\0\0xl/a", 34);
    make("a.npy", "\x93NUMPY\1");
    program_check_mistakes(list, RUNS_COUNT(list));
}

#else
Test(parts, skipped) { cr_skip_test("the program was not built"); }
#endif
