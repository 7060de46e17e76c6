/* SPDX-License-Identifier: MIT */
#include "host/base/text.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_read.h"
#include "host/cli/run/config_write.h"
#include "host/cli/run/train_command.h"
#include "tests/fuzz/fuzz.h"

/* A file that is accepted can be merged with an empty command line, written, read again, and turned
 * into a command. */
static void use(const run_config *file)
{
    run_config settled = {0}, again;
    ls_options *options = NULL;
    ls_text command = {0};
    ls_error err = {LS_OK, ""};
    config_unset(&settled);
    config_fill(&settled, file);
    config_settle(&settled);
    if (ls_options_create(&options, &err) != LS_OK ||
        config_options(file, "input", options, &err) != LS_OK)
        abort();
    if (config_check(&settled, &err) != LS_OK) abort(); /* JSON is UTF-8 */
    json_t *written = config_json(&settled, options);
    char *text = written ? json_dumps(written, JSON_INDENT(2)) : NULL;
    if (!text || config_parse("written", text, strlen(text), &again, &err) != LS_OK) abort();
    command_add_train(&command, &settled, options);
    if (command.failed) abort();
    config_free(&again);
    json_decref(written);
    free(text);
    free(command.text);
    ls_options_free(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    run_config config;
    ls_error err = {LS_OK, ""};
    char *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, bytes, size);
    ls_status status = config_parse("input", copy, size, &config, &err);
    free(copy);
    fuzz_check(status, &err);
    if (status != LS_OK) return 0;
    use(&config);
    config_free(&config);
    return 0;
}
