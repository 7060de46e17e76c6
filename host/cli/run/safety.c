/* SPDX-License-Identifier: MIT */
#include "host/cli/run/safety.h"
#include "host/base/error.h"
#include "host/base/text.h"
#include <math.h>
#include <string.h>

void safety_table(safety_options *o, struct poptOption table[SAFETY_OPTIONS])
{
    const struct poptOption entries[SAFETY_OPTIONS] = {
        {"checkpoint", 0, POPT_ARG_STRING, &o->checkpoint, 0,
         "write checkpoints to this folder; lockstep resume DIR goes on from there", "DIR"},
        {"every", 0, POPT_ARG_STRING, &o->every, 0,
         "how often: 30s, 5m, 2h, or a number of epochs (default: 30s, or less often if that took "
         "more than 1 % of the time)",
         "TIME"},
        {"keep", 0, POPT_ARG_LONGLONG, &o->keep, 0,
         "number of newest checkpoints to keep, at least 2 (default: 2)", "K"},
        {"verify", 0, POPT_ARG_LONGLONG, &o->verify, 0,
         "repeat one step in N on the CPU path and compare all bits (default: the loss of a step "
         "now and then)",
         "N"},
        {"no-fallback", 0, POPT_ARG_NONE, &o->no_fallback, 0,
         "if the device fails, end with a checkpoint instead of going on on the CPU path", NULL},
        {"check-finite", 0, POPT_ARG_NONE, &o->check_finite, 0,
         "look at all weights and optimizer states after epochs, instead of only at the losses",
         NULL},
        POPT_TABLEEND,
    };
    memcpy(table, entries, sizeof entries);
}

/* "30s", "5m", "2h": seconds; "10": epochs. */
static ls_status read_every(const char *text, ls_train_control *out, ls_error *err)
{
    static const char units[] = "smh";
    static const double seconds[] = {1, 60, 3600};
    char number[32];
    size_t length = strlen(text);
    const char *unit = length ? strchr(units, text[length - 1]) : NULL;
    double value;
    if (ls_parse_u64(text, &out->every_epochs) && out->every_epochs) return LS_OK;
    if (unit && length < sizeof number) {
        memcpy(number, text, length - 1);
        number[length - 1] = 0;
        if (ls_parse_double(number, &value) && value > 0 && value < 1e9) {
            out->every_seconds = value * seconds[unit - units];
            return LS_OK;
        }
    }
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--every: '%.40s' is neither a time (30s, 5m, 2h) nor a number of epochs", text);
}

ls_status safety_control(const safety_options *o, ls_train_control *out, ls_error *err)
{
    if (o->keep < 0 || o->keep == 1 || o->keep > 1000000)
        return ls_fail(err, LS_ERR_ARGUMENT, "--keep: use 2 to 1000000");
    if (o->verify < 0) return ls_fail(err, LS_ERR_ARGUMENT, "--verify: use 1 or more");
    if (!o->checkpoint && (o->every || o->keep))
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s: name a folder with --checkpoint as well",
                       o->every ? "every" : "keep");
    out->checkpoint = o->checkpoint;
    out->keep = (size_t)o->keep;
    out->verify = (uint64_t)o->verify;
    out->check_finite = o->check_finite;
    return o->every ? read_every(o->every, out, err) : LS_OK;
}
