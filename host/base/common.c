/* SPDX-License-Identifier: MIT */
#include "host/base/common.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LS_ALIGNMENT 64
#define LS_STRING_(x) #x
#define LS_STRING(x) LS_STRING_(x)

/* ---- Names ----------------------------------------------------------------------------------- */

const char *ls_version(void)
{
    return LS_STRING(LS_VERSION_MAJOR) "." LS_STRING(LS_VERSION_MINOR) "." LS_STRING(
        LS_VERSION_PATCH);
}

const char *ls_status_name(ls_status status)
{
    switch (status) {
    case LS_OK: return "ok";
    case LS_ERR_ARGUMENT: return "argument";
    case LS_ERR_DATA: return "data";
    case LS_ERR_IO: return "io";
    case LS_ERR_MEMORY: return "memory";
    case LS_ERR_DEVICE: return "device";
    case LS_ERR_DIVERGED: return "diverged";
    case LS_ERR_UNSUPPORTED: return "unsupported";
    }
    return "unknown";
}

/* ---- Errors and text ------------------------------------------------------------------------- */

/* vsnprintf with '.' as the decimal point whatever the program's locale, since what is formatted
 * here ends up in files that other machines read. Only the calling thread's locale is changed, and
 * it is put back. */
static int format_plain(char *out, size_t size, const char *format, va_list arguments)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = plain ? uselocale(plain) : (locale_t)0;
    int length = vsnprintf(out, size, format, arguments);
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
    return length;
}

ls_status ls_fail(ls_error *err, ls_status status, const char *format, ...)
{
    if (!err) return status;
    char message[sizeof err->message]; /* the arguments may point into err->message */
    va_list arguments;
    va_start(arguments, format);
    if (format_plain(message, sizeof message, format, arguments) < 0) message[0] = '\0';
    va_end(arguments);
    err->status = status;
    memcpy(err->message, message, sizeof message);
    return status;
}

/* Makes room for `more` characters and a NUL. */
static bool text_reserve(ls_text *text, size_t more)
{
    size_t needed, capacity = text->capacity ? text->capacity : 256;
    if (!ls_add_size(text->length, more, &needed) || !ls_add_size(needed, 1, &needed)) return false;
    if (needed <= text->capacity) return true;
    while (capacity < needed) {
        if (!ls_mul_size(capacity, 2, &capacity)) return false;
    }
    char *grown = realloc(text->text, capacity);
    if (!grown) return false;
    text->text = grown;
    text->capacity = capacity;
    return true;
}

void ls_text_add(ls_text *text, const char *format, ...)
{
    if (text->failed) return;
    for (int attempt = 0; attempt < 2; attempt++) {
        size_t room = text->capacity - text->length;
        va_list arguments;
        va_start(arguments, format);
        int length = format_plain(text->text ? text->text + text->length : NULL, room, format,
                                  arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length < room) {
            text->length += (size_t)length;
            return;
        }
        if (length < 0 || !text_reserve(text, (size_t)length)) break;
    }
    if (text->text) text->text[text->length] = '\0'; /* without the part that did not fit */
    text->failed = true;
}

/* ---- Sizes and memory ------------------------------------------------------------------------ */

bool ls_mul_size(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool ls_add_size(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

/* Memory of the machine in units of 4096 bytes. The kernel may grant more and end the program when
 * it is used. */
static size_t machine_pages(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * ((size_t)size / 4096) : SIZE_MAX;
}

/* Bytes of count × size, with room for alignment behind them. */
static ls_status check_size(size_t count, size_t size, const char *what, size_t *bytes,
                            size_t *with_room, ls_error *err)
{
    size_t padded = 0;
    if (!ls_mul_size(count, size, bytes) || !ls_add_size(*bytes, LS_ALIGNMENT, &padded) ||
        padded > PTRDIFF_MAX) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: %zu x %zu bytes is more than this machine can address; use less data",
                       what, count, size);
    }
    if (padded > (size_t)1 << 28 && padded / 4096 > machine_pages()) {
        return ls_fail(
            err, LS_ERR_MEMORY,
            "out of memory: %.1f GB for %s are more than this machine has; use less data, a "
            "smaller network or a smaller batch",
            (double)padded * 1e-9, what);
    }
    *with_room = padded;
    return LS_OK;
}

ls_status ls_alloc(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *memory = NULL;
    size_t bytes = 0, padded = 0;
    memcpy(out, &memory, sizeof memory); /* out is the address of a pointer of any type */
    LS_TRY(check_size(count, size, what, &bytes, &padded, err));
    padded -= padded % LS_ALIGNMENT; /* aligned_alloc takes multiples of the alignment, and 0 must
                                        give a pointer */
    if (bytes > padded || padded == 0) padded += LS_ALIGNMENT;
    memory = aligned_alloc(LS_ALIGNMENT, padded);
    if (!memory) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "out of memory: no room for %s (%zu bytes); use less data or free memory",
                       what, bytes);
    }
    memset(memory, 0, padded);
    memcpy(out, &memory, sizeof memory);
    return LS_OK;
}

enum { MAPPED = 1 << 16 }; /* bytes from which on memory is mapped */

ls_status ls_reserve(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *memory = NULL;
    size_t bytes = 0, padded = 0;
    memcpy(out, &memory, sizeof memory);
    LS_TRY(check_size(count, size, what, &bytes, &padded, err));
    if (bytes < MAPPED) return ls_alloc(out, count, size, what, err);
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "out of memory: no room for %s (%zu bytes); use less data or free memory",
                       what, bytes);
    }
    memcpy(out, &memory, sizeof memory);
    return LS_OK;
}

void ls_release(void *memory, size_t count, size_t size)
{
    if (!memory) return;
    if (count * size < MAPPED) free(memory);
    else munmap(memory, count * size);
}

ls_status ls_grow(void *array, size_t *capacity, size_t wanted, size_t size, const char *what,
                  ls_error *err)
{
    void *old, *more;
    size_t doubled = *capacity <= SIZE_MAX / 2 ? 2 * *capacity : SIZE_MAX;
    if (wanted <= *capacity) return LS_OK;
    if (wanted < doubled) wanted = doubled;
    LS_TRY(ls_alloc(&more, wanted, size, what, err));
    memcpy(&old, array, sizeof old); /* array is the address of a pointer of any type */
    if (old) memcpy(more, old, *capacity * size);
    free(old);
    memcpy(array, &more, sizeof more);
    *capacity = wanted;
    return LS_OK;
}

char *ls_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

bool ls_parse_double(const char *text, double *out)
{
    const char *first = text + strspn(text, " \t");
    size_t length = strspn(first, "+-.0123456789eE"); /* leaves out hexadecimal, inf and nan */
    const char *rest = first + length + strspn(first + length, " \t");
    if (length == 0 || *rest != '\0') return false;

    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return false;
    char *end = NULL;
    double value = strtod_l(first, &end, plain);
    freelocale(plain);
    if (end != first + length || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool ls_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* ---- Suggestions ----------------------------------------------------------------------------- */

#define LS_LONGEST_NAME                                                                            \
    63 /* longer names get no suggestion, so that the table below has a fixed size */

static unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string
 * alignment). */
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned table[3][LS_LONGEST_NAME + 1]; /* the row in work and the two before it */
    for (unsigned j = 0; j <= b_length; j++) table[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = table[i % 3], *above = table[(i + 2) % 3];
        const unsigned *two_above = table[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned cost = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = smaller(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return table[a_length % 3][b_length];
}

const char *ls_nearest(const char *text, const char *const *names, size_t count)
{
    size_t length = strlen(text);
    if (length == 0 || length > LS_LONGEST_NAME) return NULL;
    unsigned near = length >= 6 ? (unsigned)(length / 3) : 1;
    unsigned best_distance = near + 1;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > LS_LONGEST_NAME) continue;
        unsigned distance = edit_distance(text, length, names[i], name_length);
        bool prefix = length >= 2 && name_length > length &&
                      strncasecmp(text, names[i], length) == 0;
        if (prefix)
            distance = smaller(distance,
                               near); /* the start of a name is as good as a slip of the pen */
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size < (1u << 30) ? size : (1u << 30));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static ls_status write_failed(ls_error *err, const char *path, const char *verb)
{
    int cause = errno;
    const char *hint = "check the path and its permissions";
    if (cause == ENOSPC || cause == EDQUOT) hint = "free some space or choose another folder";
    if (cause == EFBIG) hint = "the limit on the size of files (ulimit -f) is reached";
    if (cause == ENOENT) hint = "create the folder first";
    return ls_fail(err, LS_ERR_IO, "%s: cannot %s: %s; %s", path, verb, strerror(cause), hint);
}

static ls_status write_stdout(const void *bytes, size_t size, ls_error *err)
{
    if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) != 0) {
        return ls_fail(err, LS_ERR_IO,
                       "standard output: cannot write: %s; check where it is sent to",
                       strerror(errno));
    }
    return LS_OK;
}

/* Devices and pipes cannot be replaced by a rename; they are written to as they are. */
static ls_status write_in_place(const char *path, const void *bytes, size_t size, ls_error *err)
{
    int file = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0) return write_failed(err, path, "open");
    bool written = write_all(file, bytes, size);
    ls_status status = written ? LS_OK : write_failed(err, path, "write");
    if (close(file) != 0 && status == LS_OK) status = write_failed(err, path, "write");
    return status;
}

/* Opens a new file in folder (which ends in '/' or is empty) and leaves its path in temporary. Not
 * mkstemp: open() with 0666 gives the permissions that the umask asks for, which could not be read
 * without changing it for all threads. */
static int create_temporary(const char *folder, ls_text *temporary)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        temporary->length = 0;
        ls_text_add(temporary, "%s.lockstep-%ld-%09ld-%u.tmp", folder, (long)getpid(), now.tv_nsec,
                    attempt);
        if (temporary->failed) {
            errno = ENOMEM;
            return -1;
        }
        int file = open(temporary->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

/* A rename is safe against power loss only once the folder is on disk too. Some file systems cannot
 * sync a folder, and a folder may be writable but not readable; neither is a failure. */
static ls_status sync_folder(const char *folder, const char *path, ls_error *err)
{
    int file = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return LS_OK;
    ls_status status = LS_OK;
    if (fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = write_failed(err, path, "sync its folder");
    close(file);
    return status;
}

/* Fills the open temporary file and moves it to path; closes it in any case. mode: permissions to
 * take over, or 0. */
static ls_status fill_and_rename(int file, const char *temporary, const char *path, mode_t mode,
                                 const void *bytes, size_t size, ls_error *err)
{
    ls_status status = LS_OK;
    if (!write_all(file, bytes, size) || fsync(file) != 0)
        status = write_failed(err, path, "write");
    if (status == LS_OK && mode != 0 && fchmod(file, mode) != 0)
        status = write_failed(err, path, "set permissions");
    if (close(file) != 0 && status == LS_OK) status = write_failed(err, path, "write");
    if (status == LS_OK && rename(temporary, path) != 0)
        status = write_failed(err, path, "replace the file");
    return status;
}

static ls_status replace_file(const char *path, mode_t mode, const void *bytes, size_t size,
                              ls_error *err)
{
    char *folder = ls_strdup(path);
    if (!folder)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name; free memory", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[1] = '\0';
    else folder[0] = '\0';

    ls_text temporary = {0};
    int file = create_temporary(folder, &temporary);
    ls_status status = LS_OK;
    if (file < 0) {
        status = write_failed(err, path, "create a file beside it");
    } else {
        status = fill_and_rename(file, temporary.text, path, mode, bytes, size, err);
        if (status != LS_OK) unlink(temporary.text);
        else status = sync_folder(folder, path, err);
    }
    free(temporary.text);
    free(folder);
    return status;
}

ls_status ls_write_file(const char *path, const void *bytes, size_t size, ls_error *err)
{
    if (strcmp(path, "-") == 0) return write_stdout(bytes, size, err);
    if (*path == '\0')
        return ls_fail(err, LS_ERR_ARGUMENT, "the name of the file to write is empty; give one");

    char *target = realpath(path, NULL); /* a symbolic link stays: what it leads to is replaced */
    struct stat info;
    mode_t mode = 0;
    ls_status status = LS_OK;
    bool special = false;
    if (target && stat(target, &info) == 0) {
        mode = info.st_mode & 0777;
        special = !S_ISREG(info.st_mode);
        if (S_ISDIR(info.st_mode)) {
            status = ls_fail(err, LS_ERR_IO, "%s: is a folder; give the name of a file in it",
                             path);
        }
    }
    if (status == LS_OK) {
        const char *real = target ? target : path;
        status = special ? write_in_place(real, bytes, size, err)
                         : replace_file(real, mode, bytes, size, err);
    }
    free(target);
    return status;
}

/* Reads until the end, since the size of a pipe is not known and a file may grow meanwhile. */
static ls_status read_all(int file, const char *path, size_t expected, char **bytes, size_t *size,
                          ls_error *err)
{
    size_t capacity = expected, length = 0;
    char *buffer = NULL;
    for (;;) {
        if (!buffer || length + 1 >= capacity) {
            bool fits = !buffer || ls_mul_size(capacity, 2, &capacity);
            char *grown = fits ? realloc(buffer, capacity) : NULL;
            if (!grown) {
                free(buffer);
                return ls_fail(err, LS_ERR_MEMORY,
                               "%s: out of memory after %zu bytes; use a smaller file", path,
                               length);
            }
            buffer = grown;
        }
        size_t room = capacity - length - 1;
        ssize_t got = read(file, buffer + length, room < (1u << 30) ? room : (1u << 30));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(buffer);
            return ls_fail(err, LS_ERR_IO, "%s: cannot read: %s; check the file and its disk", path,
                           strerror(errno));
        }
        if (got == 0) break;
        length += (size_t)got;
    }
    buffer[length] = '\0';
    *bytes = buffer;
    *size = length;
    return LS_OK;
}

/* Whether the open file is one to read. */
static ls_status check_readable(int file, const char *path, size_t *size, ls_error *err)
{
    struct stat info;
    if (fstat(file, &info) != 0) {
        return ls_fail(err, LS_ERR_IO, "%s: cannot look at it: %s; check the path", path,
                       strerror(errno));
    }
    if (S_ISDIR(info.st_mode))
        return ls_fail(err, LS_ERR_IO, "%s: is a folder, not a file; name a file in it", path);
    if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
        return ls_fail(err, LS_ERR_IO,
                       "%s: is neither a file nor a pipe; copy its contents to a file", path);
    }
    if ((uintmax_t)info.st_size > (uintmax_t)PTRDIFF_MAX - 2) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: is larger than this machine can address; use a smaller file", path);
    }
    *size = info.st_size > 0 ? (size_t)info.st_size : 0;
    return LS_OK;
}

ls_status ls_open_file(const char *path, int *file, size_t *size, ls_error *err)
{
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*file < 0) {
        return ls_fail(err, LS_ERR_IO, "%s: cannot open: %s; check the path and its permissions",
                       path, strerror(errno));
    }
    ls_status status = check_readable(*file, path, size, err);
    if (status != LS_OK) close(*file);
    return status;
}

ls_status ls_read_file(const char *path, char **bytes, size_t *size, ls_error *err)
{
    int file;
    size_t expected;
    LS_TRY(ls_open_file(path, &file, &expected, err));
    /* room for a NUL and one more byte, so that the end of the file is met without growing */
    ls_status status = read_all(file, path, expected ? expected + 2 : 65536, bytes, size, err);
    close(file);
    return status;
}

bool ls_is_utf8(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        size_t more = *c < 0x80                 ? 0
                      : *c >= 0xc2 && *c < 0xe0 ? 1
                      : *c >= 0xe0 && *c < 0xf0 ? 2
                      : *c >= 0xf0 && *c < 0xf5 ? 3
                                                : 4;
        if (more == 4) return false;
        /* overlong forms, surrogates and what lies beyond U+10FFFF */
        bool bad = (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) ||
                   (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f);
        for (size_t i = 1; i <= more && !bad; i++) bad = (c[i] & 0xc0) != 0x80;
        if (bad) return false;
        c += more + 1;
    }
    return true;
}

unsigned ls_usable_cores(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
#endif
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (unsigned)cores : 1;
}
