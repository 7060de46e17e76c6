/* SPDX-License-Identifier: MIT */
#include "host/cli/run/event_file.h"
#include "host/base/error.h"
#include "host/base/folder.h"
#include "host/base/text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Messages -------------------------------------------------------------------------------- */

typedef struct {
    unsigned char *bytes;
    size_t size;
} buffer;

static void put_little_endian(buffer *b, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) b->bytes[b->size++] = (unsigned char)(value >> (8 * i));
}

static void put_varint(buffer *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) b->bytes[b->size++] = (unsigned char)(value | 0x80);
    b->bytes[b->size++] = (unsigned char)value;
}

/* The key before a value: the number of the field and its wire type. */
enum { VARINT = 0, EIGHT_BYTES = 1, COUNTED = 2, FOUR_BYTES = 5 };
static void put_key(buffer *b, unsigned field, unsigned kind) { put_varint(b, field << 3 | kind); }

static void put_double(buffer *b, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(b, field, EIGHT_BYTES);
    put_little_endian(b, bits, 8);
}

static void put_float(buffer *b, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(b, field, FOUR_BYTES);
    put_little_endian(b, bits, 4);
}

static void put_bytes(buffer *b, unsigned field, const void *bytes, size_t size)
{
    put_key(b, field, COUNTED);
    put_varint(b, size);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

/* Summary.value: { tag = 1, simple_value = 2 } */
static void put_scalar(buffer *summary, const char *tag, double value)
{
    unsigned char bytes[64];
    buffer scalar = {bytes, 0};
    put_bytes(&scalar, 1, tag, strlen(tag));
    put_float(&scalar, 2, (float)value);
    put_bytes(summary, 1, bytes, scalar.size);
}

/* ---- Records --------------------------------------------------------------------------------- */

uint32_t event_crc32c(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* The format masks checksums by a rotation and an offset, because the CRC of data that contain CRCs
 * is weak. */
static uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8; }

static size_t record(const buffer *message, unsigned char *out)
{
    buffer b = {out, 0};
    put_little_endian(&b, message->size, 8);
    put_little_endian(&b, masked(event_crc32c(out, 8)), 4);
    memcpy(out + b.size, message->bytes, message->size);
    b.size += message->size;
    put_little_endian(&b, masked(event_crc32c(message->bytes, message->size)), 4);
    return b.size;
}

/* Event: { wall_time = 1, file_version = 3 } */
size_t event_version(double time, unsigned char out[EVENT_MOST])
{
    static const char version[] = "brain.Event:2";
    unsigned char bytes[EVENT_MOST];
    buffer event = {bytes, 0};
    put_double(&event, 1, time);
    put_bytes(&event, 3, version, sizeof version - 1);
    return record(&event, out);
}

/* Event: { wall_time = 1, step = 2, summary = 5 } */
size_t event_epoch(double time, const ls_progress *p, unsigned char out[EVENT_MOST])
{
    unsigned char event_bytes[EVENT_MOST], summary_bytes[EVENT_MOST / 2];
    buffer event = {event_bytes, 0}, summary = {summary_bytes, 0};
    put_double(&event, 1, time);
    put_key(&event, 2, VARINT);
    put_varint(&event, p->epoch);
    put_scalar(&summary, "loss", p->loss);
    if (!isnan(p->validation_loss)) put_scalar(&summary, "validation_loss", p->validation_loss);
    if (!isnan(p->validation_accuracy))
        put_scalar(&summary, "validation_accuracy", p->validation_accuracy);
    put_scalar(&summary, "lr", p->learning_rate);
    put_bytes(&event, 5, summary_bytes, summary.size);
    return record(&event, out);
}

/* ---- The file -------------------------------------------------------------------------------- */

static double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

ls_status event_file_open(event_file *events, const char *folder, ls_error *err)
{
    unsigned char bytes[EVENT_MOST];
    double time = clock_seconds();
    LS_TRY(ls_folder_make(folder, NULL, err));
    /* TensorBoard reads every file whose name contains "tfevents", in the order of the names */
    ls_text_add(&events->path, "%s/events.out.tfevents.%010.0f.lockstep.%ld", folder, floor(time),
                (long)getpid());
    if (events->path.failed)
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the name of a file in %s", folder);
    LS_TRY(live_file_open(&events->file, events->path.text, LIVE_NEW, err));
    return live_file_write(&events->file, bytes, event_version(time, bytes), err);
}

ls_status event_file_epoch(void *state, const ls_progress *p, ls_error *err)
{
    event_file *events = state;
    unsigned char bytes[EVENT_MOST];
    return live_file_write(&events->file, bytes, event_epoch(clock_seconds(), p, bytes), err);
}

ls_status event_file_close(event_file *events, ls_error *err)
{
    ls_status status = live_file_close(&events->file, err);
    free(events->path.text);
    events->path = (ls_text){0};
    return status;
}
