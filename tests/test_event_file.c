/* SPDX-License-Identifier: MIT */
/* Event files have the bytes that TensorBoard itself writes, and one record per epoch. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/run/event_file.h"
#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(event_file, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 12 --hidden 6,5 --device cpu -q"

/* These two events as TensorBoard 2.21.0 writes them; printed by
 * tests/support/tensorboard_reads.py --bytes. */
static const unsigned char version_record[] = {
    0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa3, 0x7f, 0x4b, 0x22, 0x09, 0x00,
    0x00, 0x10, 0xc0, 0x0b, 0x5a, 0xd6, 0x41, 0x1a, 0x0d, 0x62, 0x72, 0x61, 0x69, 0x6e,
    0x2e, 0x45, 0x76, 0x65, 0x6e, 0x74, 0x3a, 0x32, 0x13, 0x0a, 0x03, 0x22};
static const unsigned char epoch_record[] = {
    0x3e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd9, 0xd2, 0x40, 0xe7, 0x09, 0x00, 0x00, 0x60,
    0xc0, 0x0b, 0x5a, 0xd6, 0x41, 0x10, 0xac, 0x02, 0x2a, 0x30, 0x0a, 0x0b, 0x0a, 0x04, 0x6c, 0x6f,
    0x73, 0x73, 0x15, 0xcd, 0xcc, 0xcc, 0x3d, 0x0a, 0x16, 0x0a, 0x0f, 0x76, 0x61, 0x6c, 0x69, 0x64,
    0x61, 0x74, 0x69, 0x6f, 0x6e, 0x5f, 0x6c, 0x6f, 0x73, 0x73, 0x15, 0x00, 0x00, 0x80, 0x3e, 0x0a,
    0x09, 0x0a, 0x02, 0x6c, 0x72, 0x15, 0xa6, 0x9b, 0x44, 0x3b, 0x24, 0x4b, 0xa2, 0xff};

Test(event_file, events_have_tensorboards_bytes)
{
    unsigned char zeros[32] = {0}, out[EVENT_MOST];
    const ls_progress p = {.epoch = 300,
                           .loss = 0.1,
                           .validation_loss = 0.25,
                           .validation_accuracy = NAN,
                           .learning_rate = 0.003};
    ls_progress widest = {.epoch = UINT64_MAX,
                          .loss = 1,
                          .validation_loss = 1,
                          .validation_accuracy = 1,
                          .learning_rate = 1};
    cr_expect_eq(event_crc32c("123456789", 9), 0xE3069283);
    cr_expect_eq(event_crc32c(zeros, sizeof zeros), 0x8A9136AA); /* RFC 3720, B.4 */
    cr_expect_eq(event_version(1500000000.25, out), sizeof version_record);
    cr_expect(!memcmp(out, version_record, sizeof version_record));
    cr_expect_eq(event_epoch(1500000001.5, &p, out), sizeof epoch_record);
    cr_expect(!memcmp(out, epoch_record, sizeof epoch_record));
    cr_expect_leq(event_epoch(1e300, &widest, out), EVENT_MOST / 2);
}

Test(event_file, an_event_file_has_a_record_an_epoch)
{
    char path[300] = "";
    size_t size, at = 0, records = 0;
    program_do("train moons --tensorboard tb" QUICK);
    DIR *tb = opendir("tb");
    cr_assert_not_null(tb);
    for (struct dirent *entry; (entry = readdir(tb));)
        if (strstr(entry->d_name, "tfevents")) snprintf(path, sizeof path, "tb/%s", entry->d_name);
    closedir(tb);
    char *bytes = runs_file_read(path, &size);
    cr_assert_not_null(bytes);
    for (; at < size; records++) {
        uint64_t length;
        uint32_t sum;
        cr_assert_leq(at + 16, size);
        memcpy(&length, bytes + at, 8);
        cr_assert_leq(length, size - at - 16);
        memcpy(&sum, bytes + at + 12 + length, 4);
        uint32_t crc = event_crc32c(bytes + at + 12, length);
        cr_expect_eq(sum, (crc >> 15 | crc << 17) + 0xa282ead8u);
        cr_expect(records == 0 || !memcmp(bytes + at + 12 + length - 7, "lr\x15", 3),
                  "the last scalar is another one");
        at += 16 + length;
    }
    cr_expect_eq(records, 13);
    free(bytes);
}

#else
Test(event_file, skipped) { cr_skip_test("the program was not built"); }
#endif
