/* SPDX-License-Identifier: MIT */
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/cmd/commands.h"
#include <math.h>
#include <popt.h>
#include <stdlib.h>

/* The help, which ends with the list of generators. */
static char *intro_text(void)
{
    ls_text text = {0};
    const char *name, *about;
    ls_text_add(
        &text,
        "Writes a generated data set as CSV: features x1,x2,... and the class, or the number y. The same\n"
        "seed gives the same bytes on every machine. Numbers y are rounded to six decimals; their noise\n"
        "is normal. NAME is one of these generators:\n\n");
    for (size_t i = 0; (name = ls_generator_at(i, &about)); i++)
        ls_text_add(&text, "  %-18s %s\n", name, about);
    return text.text;
}

int cmd_make(int argc, const char **argv)
{
    arguments args = {0};
    ls_data *data;
    ls_error err;
    long long rows = 0, classes = 0, features = 0, seed = 1;
    double noise = NAN, overlap = NAN;
    const char *to = "-";
    struct poptOption table[] = {
        {"rows", 0, POPT_ARG_LONGLONG, &rows, 0, "number of rows", "N"},
        {"noise", 0, POPT_ARG_DOUBLE, &noise, 0, "standard deviation of the noise", "S"},
        {"overlap", 0, POPT_ARG_DOUBLE, &overlap, 0, "overlap: standard deviation of the blobs",
         "S"},
        {"classes", 0, POPT_ARG_LONGLONG, &classes, 0, "number of classes (blobs, classification)",
         "K"},
        {"features", 0, POPT_ARG_LONGLONG, &features, 0,
         "number of features (blobs, classification, linear-regression, friedman1)", "D"},
        {"seed", 0, POPT_ARG_LONGLONG, &seed, 0, "seed of the random numbers (default: 1)", "S"},
        {NULL, 'o', POPT_ARG_STRING, &to, 0, "write to this file (default: standard output)",
         "FILE.csv"},
        POPT_TABLEEND,
    };
    char *intro = intro_text();
    int status = arguments_parse(&args, argc, argv, table, "NAME", intro ? intro : "", 1, 1, NULL,
                                 NULL);
    free(intro);
    if (status == EXIT_OK &&
        (rows < 0 || classes < 0 || features < 0 || seed < 0 || noise < 0 || overlap < 0))
        status = complain(
            "make", EXIT_USAGE,
            "--rows, --classes, --features, --seed, --noise and --overlap must not be negative");
    if (status == EXIT_OK) {
        ls_generate_options how = {.rows = (size_t)rows,
                                   .noise = isnan(noise) ? -1 : noise,
                                   .overlap = isnan(overlap) ? -1 : overlap,
                                   .classes = (size_t)classes,
                                   .features = (size_t)features,
                                   .seed = (uint64_t)seed};
        if (ls_data_generate(args.operand[0], &how, &data, &err) != LS_OK)
            status = complain_error("make", &err);
        else {
            if (ls_data_write_csv(data, to, &err) != LS_OK) status = complain_error("make", &err);
            ls_data_free(data);
        }
    }
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
