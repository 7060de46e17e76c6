/* SPDX-License-Identifier: MIT */
/* A checkpoint that is accepted can be trained on to the end. */
#include "tests/fuzz/fuzz.h"

#include "host/data/fingerprint.h"
#include "host/training/checkpoint_file.h"
#include "host/training/fleet.h"
#include "host/training/fleet_state.h"

static ls_data *data;
static ls_options *options;
static ls_checkpoint_key key = {.arithmetic = "exact"};

/* As `lockstep train moons --rows 20 --hidden 2 --epochs 9 --validation 0.2 --patience 5` trains,
 * whose checkpoint is in the corpus. */
static void set_up(void)
{
    static const char *const words[] = {"hidden",     "2",   "epochs",   "9",
                                        "validation", "0.2", "patience", "5"};
    const ls_generate_options how = {.rows = 20, .noise = -1, .overlap = -1, .seed = 1};
    ls_sha256 sha;
    if (ls_data_generate("moons", &how, &data, NULL) != LS_OK ||
        ls_options_create(&options, NULL) != LS_OK)
        abort();
    for (size_t i = 0; i < sizeof words / sizeof *words; i += 2)
        if (ls_options_set(options, words[i], words[i + 1], NULL) != LS_OK) abort();
    ls_sha256_init(&sha);
    (void)ls_hash_data(&sha, data, NULL);
    ls_sha256_final(&sha, key.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const ls_start start = {0};
    ls_fleet *fleet;
    ls_copy copy;
    ls_error err = {LS_OK, ""};
    size_t index;
    if (!data) set_up();
    if (ls_fleet_open(NULL, 0, &fleet, &err) != LS_OK ||
        ls_fleet_add_reporting(fleet, options, data, &start, NULL, NULL, &index, &err) != LS_OK)
        abort();
    char *text = fuzz_copy(bytes, size);
    ls_trainer *trainer = fleet->member[0];
    ls_status status = ls_checkpoint_parse(trainer, &key, "input", text, size, &copy, &err);
    free(text);
    fuzz_check(status, &err);
    if (status == LS_OK) {
        ls_trainer_resume(trainer, copy);
        fuzz_check(ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, &err), &err);
    }
    ls_fleet_close(fleet);
    return 0;
}
