/* SPDX-License-Identifier: MIT */
#include "host/model/options_json.h"
#include "host/base/json.h"

json_t *ls_options_json(const ls_options *options)
{
    json_t *object = json_object();
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name;
        ls_json_set(&object, name, json_string(ls_options_get(options, name)));
    }
    return object;
}
