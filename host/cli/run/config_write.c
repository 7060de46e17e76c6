/* SPDX-License-Identifier: MIT */
#include "host/cli/run/config_write.h"
#include "host/base/error.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/model_output.h"
#include "host/cli/run/config.h"
#include "host/model/options_json.h"
#include <jansson.h>
#include <stdbool.h>

/* The entries of "decision" or of "data" that differ from their defaults. */
static json_t *entries_json(const run_config *c, bool decision)
{
    json_t *o = json_object();
    for (size_t i = 0; i < CONFIG_ENTRIES; i++) {
        const config_entry *e = &config_entries[i];
        if ((e->role == CONFIG_DECISION) != decision || config_is_initial(c, e)) continue;
        switch (e->kind) {
        case CONFIG_TEXT: ls_json_set(&o, e->name, json_string(*config_text_of(c, e))); break;
        case CONFIG_COUNT: ls_json_set(&o, e->name, json_integer(*config_count_of(c, e))); break;
        case CONFIG_REAL: ls_json_set(&o, e->name, json_real(*config_real_of(c, e))); break;
        case CONFIG_FLAG: ls_json_set(&o, e->name, json_true()); break;
        }
    }
    return o;
}

json_t *config_data_json(const run_config *c)
{
    json_t *o = entries_json(c, false);
    for (size_t i = 0; i < INPUTS; i++)
        if (*c->hash[i]) ls_json_set(&o, config_hash_names[i], json_string(c->hash[i]));
    return o;
}

ls_status config_check(const run_config *c, ls_error *err)
{
    for (size_t i = 0; i < CONFIG_ENTRIES; i++)
        if (config_entries[i].kind == CONFIG_TEXT && *config_text_of(c, &config_entries[i]) &&
            !ls_is_utf8(*config_text_of(c, &config_entries[i])))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "the %s is not valid UTF-8, so it cannot be written to run.json; rename it",
                config_entries[i].name);
    return LS_OK;
}

json_t *config_json(const run_config *c, const ls_options *options)
{
    json_t *o = json_pack("{s:i,s:s,s:o,s:o}", "format", CONFIG_FORMAT, "lockstep", ls_version(),
                          "data", config_data_json(c), "options", ls_options_json(options));
    json_t *decision = entries_json(c, true);
    if (decision && !json_object_size(decision)) json_decref(decision);
    else ls_json_set(&o, "decision", decision);
    return o;
}
