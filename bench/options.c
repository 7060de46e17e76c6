/* SPDX-License-Identifier: MIT */
#include "bench/options.h"
#include "host/base/text.h"
#include <getopt.h>
#include <stdio.h>

const char bench_options_help[] =
    "  --device D       cpu (default), an index, or part of a name (see lockstep devices);\n"
    "                   small, width, fleet, sweep: several, separated by commas\n"
    "  --threads N      threads of the CPU path (default: one per core; small: 1)\n"
    "  --isa NAME       instruction set of the CPU path: avx512, avx2, generic (default: the best)\n"
    "  --network W      step, epoch, serve: widths (default 784-512-512-10); width, fleet: (default 2-20-20-1)\n"
    "  --batch N        rows per step (default 256)\n"
    "  --rows N         rows of the data set (default: 8 batches; epoch: 60000; width, fleet: 400); equal to --batch: full batch\n"
    "  --data DIR       step, epoch: rows from a folder of IDX files such as MNIST's, also .gz (default: random rows)\n"
    "  --optimizer O    (default adam; width, fleet: gd)\n"
    "  --activation A   activation of the hidden layers (default relu)\n"
    "  --lr RATE        learning rate (default 0.001; width, fleet: 0.025)\n"
    "  --epochs N       width: (default 250000); fleet: (default 1000); serve with --members: epochs per repetition\n"
    "  --members N      fleet: (default 1000); serve: train a fleet with this many members\n"
    "  --shape M,N,K    matmul: one shape instead of the standard list\n"
    "  --peer LIBRARY   matmul: a BLAS library to load, or none\n"
    "  --up-to N        sweep: largest width and batch (default 4096); choose: largest width; fleet: most members (default 10000;\n"
    "                   1: only the comparison)\n"
    "  --out OUT        sweep, fleet: name of the files without extension (default: the command's name)\n"
    "  --repeat N       timed repetitions, of which the median is reported (default 7; sweep, choose, fleet: 3; width: 1)\n"
    "  --seconds S      intended length of a repetition (default 0.2; sweep, choose: 0.1)\n"
    "  --json           print one JSON array\n";

/* Parses a whole number from 1 to most; prints an error otherwise. */
static bool parse_count(const char *option, const char *text, uint64_t most, uint64_t *out)
{
    if (ls_parse_u64(text, out) && *out > 0 && *out <= most) return true;
    fprintf(stderr, "lockstep-bench: --%s takes a number from 1 to %llu\n", option,
            (unsigned long long)most);
    return false;
}

/* Parses a number above 0; prints an error otherwise. */
static bool parse_positive(const char *option, const char *text, double *out)
{
    if (ls_parse_double(text, out) && *out > 0) return true;
    fprintf(stderr, "lockstep-bench: --%s takes a number above 0\n", option);
    return false;
}

int bench_options_parse(bench_options *o, int argc, char **argv, bool *help)
{
    enum { JSON = 1, HELP, TEXT = 10, COUNT = 30, REAL = 50 };
    static const struct option table[] = {{"device", 1, NULL, TEXT},
                                          {"isa", 1, NULL, TEXT + 1},
                                          {"network", 1, NULL, TEXT + 2},
                                          {"data", 1, NULL, TEXT + 3},
                                          {"optimizer", 1, NULL, TEXT + 4},
                                          {"shape", 1, NULL, TEXT + 5},
                                          {"peer", 1, NULL, TEXT + 6},
                                          {"out", 1, NULL, TEXT + 7},
                                          {"activation", 1, NULL, TEXT + 8},
                                          {"threads", 1, NULL, COUNT},
                                          {"repeat", 1, NULL, COUNT + 1},
                                          {"batch", 1, NULL, COUNT + 2},
                                          {"rows", 1, NULL, COUNT + 3},
                                          {"up-to", 1, NULL, COUNT + 4},
                                          {"epochs", 1, NULL, COUNT + 5},
                                          {"members", 1, NULL, COUNT + 6},
                                          {"lr", 1, NULL, REAL},
                                          {"seconds", 1, NULL, REAL + 1},
                                          {"json", 0, NULL, JSON},
                                          {"help", 0, NULL, HELP},
                                          {NULL, 0, NULL, 0}};
    const char **text[] = {&o->device, &o->isa,  &o->network, &o->data,      &o->optimizer,
                           &o->shape,  &o->peer, &o->out,     &o->activation};
    size_t *count[] = {&o->threads, &o->repeats, &o->batch,  &o->rows,
                       &o->up_to,   &o->epochs,  &o->members};
    const uint64_t most[] = {1024, 1000, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 10000000};
    double *real[] = {&o->rate, &o->seconds};
    uint64_t n;
    int index = 0;
    for (int c; (c = getopt_long(argc, argv, "", table, &index)) != -1;) {
        if (c == '?') return 2;
        if (c == HELP) *help = true;
        else if (c == JSON) o->json = true;
        else if (c < COUNT) *text[c - TEXT] = optarg;
        else if (c >= REAL) {
            if (!parse_positive(table[index].name, optarg, real[c - REAL])) return 2;
        } else {
            if (!parse_count(table[index].name, optarg, most[c - COUNT], &n)) return 2;
            *count[c - COUNT] = n;
        }
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
