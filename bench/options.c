/* SPDX-License-Identifier: MIT */
#include "bench/options.h"
#include "host/base/text.h"
#include <getopt.h>
#include <stddef.h>
#include <string.h>

typedef enum { TEXT, COUNT, POSITIVE, FLAG, HELP } kind;

/* One option: the field of bench_options that it sets, and its help. */
static const struct {
    const char *name, *argument;
    kind kind;
    size_t field;  /* offset */
    uint64_t most; /* of a COUNT, which is at least 1 */
    const char *help;
} table[] = {
#define FIELD(name) offsetof(bench_options, name)
    {"device", "D", TEXT, FIELD(device), 0,
     "cpu (default), an index, or part of a name (see lockstep devices); "
     "small, width, fleet, sweep: several, separated by commas"},
    {"threads", "N", COUNT, FIELD(threads), 1024,
     "threads of the CPU path (default: one per core; small: 1)"},
    {"isa", "NAME", TEXT, FIELD(isa), 0,
     "instruction set of the CPU path: avx512, avx2, generic (default: the best); "
     "also avx512-12x32 or avx512-6x64, whichever register tile is not the default here"},
    {"network", "W", TEXT, FIELD(network), 0,
     "step, epoch, serve: widths (default 784-512-512-10); width, fleet: (default 2-20-20-1)"},
    {"batch", "N", COUNT, FIELD(batch), UINT32_MAX, "rows per step (default 256)"},
    {"rows", "N", COUNT, FIELD(rows), UINT32_MAX,
     "rows of the data set (default: 8 batches; epoch: 60000; width, fleet: 400); "
     "equal to --batch: full batch"},
    {"data", "DIR", TEXT, FIELD(data), 0,
     "step, epoch: rows from a folder of IDX files such as MNIST's, also .gz "
     "(default: random rows)"},
    {"optimizer", "O", TEXT, FIELD(optimizer), 0, "(default adam; width, fleet: gd)"},
    {"activation", "A", TEXT, FIELD(activation), 0,
     "activation of the hidden layers (default relu)"},
    {"lr", "RATE", POSITIVE, FIELD(rate), 0, "learning rate (default 0.001; width, fleet: 0.025)"},
    {"epochs", "N", COUNT, FIELD(epochs), UINT32_MAX,
     "width: (default 250000); fleet: (default 1000); serve with --members: epochs per "
     "repetition"},
    {"members", "N", COUNT, FIELD(members), 10000000,
     "fleet: (default 1000); serve: train a fleet with this many members"},
    {"shape", "M,N,K", TEXT, FIELD(shape), 0, "matmul: one shape instead of the standard list"},
    {"peer", "LIBRARY", TEXT, FIELD(peer), 0, "matmul: a BLAS library to load, or none"},
    {"up-to", "N", COUNT, FIELD(up_to), UINT32_MAX,
     "sweep: largest width and batch (default 4096); choose: largest width; "
     "fleet: most members (default 10000; 1: only the comparison)"},
    {"out", "OUT", TEXT, FIELD(out), 0,
     "sweep, fleet: name of the files without extension (default: the command's name)"},
    {"repeat", "N", COUNT, FIELD(repeats), 1000,
     "timed repetitions, of which the median is reported (default 7; sweep, choose, "
     "fleet: 3; width: 1)"},
    {"seconds", "S", POSITIVE, FIELD(seconds), 0,
     "intended length of a repetition (default 0.2; sweep, choose: 0.1)"},
    {"json", "", FLAG, FIELD(json), 0, "print one JSON array"},
    {"help", "", HELP, 0, 0, "print this help"},
#undef FIELD
};
enum { OPTIONS = sizeof table / sizeof *table };

void bench_print_wrapped(FILE *out, const char *text, size_t indent)
{
    enum { WIDTH = 100 };
    size_t column = indent;
    for (const char *p = text; *p;) {
        size_t word = strcspn(p, " ");
        if (column > indent && column + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        column += (size_t)fprintf(out, "%s%.*s", column > indent ? " " : "", (int)word, p);
        p += word + strspn(p + word, " ");
    }
    fputc('\n', out);
}

void bench_options_print_help(FILE *out)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        int length = fprintf(out, "  --%s %s", table[i].name, table[i].argument);
        fprintf(out, "%*s", 19 - length, "");
        bench_print_wrapped(out, table[i].help, 19);
    }
}

/* Sets option number i; prints an error and returns false if its argument is wrong. */
static bool set(bench_options *o, size_t i, const char *text)
{
    void *field = (char *)o + table[i].field;
    uint64_t n;
    switch (table[i].kind) {
    case TEXT: *(const char **)field = text; return true;
    case FLAG: *(bool *)field = true; return true;
    case COUNT:
        if (ls_parse_u64(text, &n) && n > 0 && n <= table[i].most) {
            *(size_t *)field = (size_t)n;
            return true;
        }
        fprintf(stderr, "lockstep-bench: --%s takes a number from 1 to %llu\n", table[i].name,
                (unsigned long long)table[i].most);
        return false;
    case POSITIVE:
        if (ls_parse_double(text, field) && *(double *)field > 0) return true;
        fprintf(stderr, "lockstep-bench: --%s takes a number above 0\n", table[i].name);
        return false;
    case HELP: break;
    }
    return true;
}

int bench_options_parse(bench_options *o, int argc, char **argv, bool *help)
{
    struct option list[OPTIONS + 1] = {{NULL, 0, NULL, 0}};
    int index = 0;
    for (size_t i = 0; i < OPTIONS; i++)
        list[i] = (struct option){table[i].name, *table[i].argument != 0, NULL, 1};
    for (int c; (c = getopt_long(argc, argv, "", list, &index)) != -1;) {
        if (c == '?' || !set(o, (size_t)index, optarg)) return 2;
        *help |= table[index].kind == HELP;
    }
    return 0;
}

void bench_options_fill(bench_options *o, const bench_options *defaults)
{
    if (!o->network) o->network = defaults->network;
    if (!o->optimizer) o->optimizer = defaults->optimizer;
    if (!o->rows) o->rows = defaults->rows;
    if (!(o->rate > 0)) o->rate = defaults->rate;
    if (!o->epochs) o->epochs = defaults->epochs;
    if (!o->members) o->members = defaults->members;
    if (!o->up_to) o->up_to = defaults->up_to;
    if (!o->out) o->out = defaults->out;
    if (!o->repeats) o->repeats = defaults->repeats;
    if (!(o->seconds > 0)) o->seconds = defaults->seconds;
}
