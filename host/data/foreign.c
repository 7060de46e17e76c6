/* SPDX-License-Identifier: MIT */
#include "host/data/foreign.h"
#include "host/base/text.h"
#include <string.h>

/* What to do. */
#define PANDAS(reader) "convert it to CSV, as with pandas." reader "(...).to_csv(...)"
#define UNPACK(command) "decompress it first (" command ")"

#define WRITE_CSV "save the data frame in R, as with write.csv(x, \"x.csv\", row.names = FALSE)"

typedef struct {
    const char *begins; /* bytes, which may be 0 */
    size_t size;        /* of them */
    bool binary;        /* no text goes on like this: the next byte is no character */
    const char *name, *todo;
} signature;
#define BEGINS(text) text, sizeof(text) - 1, false
#define BINARY(text) text, sizeof(text) - 1, true

static const signature signatures[] = {
    {BEGINS("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
     "an Excel workbook (xls) or another Office document",
     "save the sheet as CSV, or " PANDAS("read_excel")},
    {BINARY("PAR1"), "a Parquet file", PANDAS("read_parquet")},
    {BINARY("PARE"), "an encrypted Parquet file", PANDAS("read_parquet")},
    {BINARY("ARROW1"), "an Arrow or Feather file", PANDAS("read_feather")},
    {BINARY("FEA1"), "a Feather file", PANDAS("read_feather")},
    {BEGINS("\xff\xff\xff\xff"), "an Arrow stream", "convert it to CSV with pyarrow"},
    {BEGINS("Obj\x01"), "an Avro file", "convert it to CSV"},
    {BINARY("ORC\n"), "an ORC file", PANDAS("read_orc")},
    {BEGINS("\x89HDF\r\n\x1a\n"), "an HDF5 file", PANDAS("read_hdf") ", or save arrays as NPY"},
    {BEGINS("MATLAB 5.0 MAT"), "a MATLAB file", "save its arrays as CSV (writematrix) or NPY"},
    {BEGINS("MATLAB 7.3 MAT"), "a MATLAB file", "save its arrays as CSV (writematrix) or NPY"},
    {BEGINS("CDF\x01"), "a NetCDF file", "save its arrays as CSV or NPY"},
    {BEGINS("CDF\x02"), "a NetCDF file", "save its arrays as CSV or NPY"},
    {BEGINS("SQLite format 3"), "an SQLite database",
     "export the table: sqlite3 -header -csv FILE 'select * from TABLE' > table.csv"},
    {BEGINS("\x80\x02"), "a Python pickle", PANDAS("read_pickle")},
    {BEGINS("\x80\x03"), "a Python pickle", PANDAS("read_pickle")},
    {BEGINS("\x80\x04\x95"), "a Python pickle", PANDAS("read_pickle")},
    {BEGINS("\x80\x05\x95"), "a Python pickle", PANDAS("read_pickle")},
    {BEGINS("%PDF-"), "a PDF document", "get the table as CSV from where the document comes from"},
    {BEGINS("\xfd"
            "7zXZ"),
     "compressed with xz", UNPACK("unxz")},
    {BEGINS("\x28\xb5\x2f\xfd"), "compressed with zstd", UNPACK("unzstd")},
    {BEGINS("\x04\x22\x4d\x18"), "compressed with lz4", UNPACK("unlz4")},
    {BEGINS("\x1f\x9d"), "compressed with compress", UNPACK("uncompress")},
    {BEGINS("LZIP\x01"), "compressed with lzip", UNPACK("lzip -d")},
    {BEGINS("7z\xbc\xaf\x27\x1c"), "a 7z archive", "unpack it first (7z x)"},
    {BEGINS("Rar!\x1a\x07"), "a RAR archive", "unpack it first (unrar x)"},
    {BEGINS("RDX2\n"), "an R workspace", WRITE_CSV},
    {BEGINS("RDX3\n"), "an R workspace", WRITE_CSV},
    {BEGINS("X\n\0\0\0"), "an R object (rds)", WRITE_CSV},
    {BEGINS("$FL2"), "an SPSS file", PANDAS("read_spss")},
    {BEGINS("<stata_dta>"), "a Stata file", PANDAS("read_stata")},
    {BEGINS("<!DOCTYPE html"), "a web page (HTML)",
     "download the data themselves, as by a link to the raw file"},
    {BEGINS("<html"), "a web page (HTML)",
     "download the data themselves, as by a link to the raw file"},
    {BEGINS("<?xml"), "an XML file", PANDAS("read_xml")},
    {BEGINS("version https://"), "a Git LFS pointer, not the data", "get them with git lfs pull"},
    {BEGINS("@relation"), "an ARFF file",
     "remove the lines from @relation to @data, and put a line of the attributes' names there"},
    {BEGINS("\x89PNG"), "an image (PNG)", "rows of pixels are read from CSV, IDX and NPY files"},
    {BEGINS("\xff\xd8\xff"), "an image (JPEG)",
     "rows of pixels are read from CSV, IDX and NPY files"},
    {BEGINS("GIF89a"), "an image (GIF)", "rows of pixels are read from CSV, IDX and NPY files"},
    {BEGINS("\x7f"
            "ELF"),
     "a program (ELF)", "name a file of rows"},
};

/* Compares the letters of ASCII texts without case; HTML and ARFF know none. */
static bool begins(const signature *s, const char *bytes, size_t size)
{
    if (size < s->size + s->binary) return false;
    if (s->binary && ((unsigned char)bytes[s->size] >= ' ' || strchr("\t\r\n", bytes[s->size])) &&
        bytes[s->size])
        return false;
    if (*s->begins == '<' || *s->begins == '@')
        return ls_ascii_ncasecmp(bytes, s->begins, s->size) == 0;
    return memcmp(bytes, s->begins, s->size) == 0;
}

/* Blanks do not matter in JSON. A line of it begins with an object, or a list of lists or objects;
 * no header or row does, as a name in brackets is not followed by another bracket or a quote. */
static bool is_json(const char *bytes, size_t size)
{
    static const char blanks[] = " \t\r\n";
    char first[2] = {0};
    size_t found = 0;
    for (size_t i = 0; i < size && found < 2; i++)
        if (!bytes[i] || !strchr(blanks, bytes[i])) first[found++] = bytes[i];
    if (first[0] == '{') return first[1] == '"' || first[1] == '}';
    return first[0] == '[' && (first[1] == '{' || first[1] == '[' || first[1] == '"');
}

/* With a byte order mark, or a text of ASCII characters, each with a byte of 0. */
static bool is_utf16(const char *bytes, size_t size)
{
    if (size >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2))) return true;
    if (size < 8) return false;
    for (size_t i = 0; i < 8; i++)
        if (!bytes[i] == !bytes[i ^ 1] || (unsigned char)bytes[i] > '~') return false;
    return !bytes[0] == !bytes[2] && !bytes[2] == !bytes[4];
}

/* "BZh", the size of a block, and the start of the first one. */
static bool is_bzip2(const char *bytes, size_t size)
{
    return size >= 10 && !memcmp(bytes, "BZh", 3) && !memcmp(bytes + 4, "1AY&SY", 6);
}

/* A safetensors file: the length of a JSON header, then that. */
static bool is_model(const char *bytes, size_t size)
{
    return size > 9 && !memcmp(bytes + 4, "\0\0\0\0{\"", 6);
}

/* What a zip file is by the name of its first entry. */
static ls_status refuse_zip(const char *path, const char *bytes, size_t size, ls_error *err)
{
    enum { NAME = 30 }; /* offset of the name, after the local header */
    const char *name = size > NAME ? bytes + NAME : "";
    const size_t length = size > NAME ? size - NAME : 0;
    static const struct {
        const char *name, *what, *todo;
    } kinds[] = {
        {"[Content_Types]", "an Excel workbook (xlsx) or another Office document",
         "save the sheet as CSV, or " PANDAS("read_excel")},
        {"xl/", "an Excel workbook (xlsx)", "save the sheet as CSV, or " PANDAS("read_excel")},
        {"_rels/", "an Excel workbook (xlsx) or another Office document",
         "save the sheet as CSV, or " PANDAS("read_excel")},
        {"docProps/", "an Excel workbook (xlsx) or another Office document",
         "save the sheet as CSV, or " PANDAS("read_excel")},
        {"mimetype", "an OpenDocument file (ods)",
         "save the sheet as CSV, or " PANDAS("read_excel")},
        {"archive/", "a PyTorch file", "save its tensors as NPY (numpy.save)"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].name);
        if (length >= n && !memcmp(name, kinds[i].name, n))
            return ls_fail(err, LS_ERR_DATA, "%s: is %s; %s", path, kinds[i].what, kinds[i].todo);
    }
    return ls_fail(err, LS_ERR_DATA,
                   "%s: is a zip archive; unpack it first (unzip), and name the file of rows in it",
                   path);
}

ls_status ls_refuse_foreign(const char *path, const char *bytes, size_t size, ls_error *err)
{
    enum { TAR = 257 };
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
        bytes += 3, size -= 3; /* a byte order mark */
    if (size >= 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "PK\5\6", 4)))
        return refuse_zip(path, bytes, size, err);
    if (size >= TAR + 5 && !memcmp(bytes + TAR, "ustar", 5))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: is a tar archive; unpack it first (tar xf), and name the file of rows "
                       "in it",
                       path);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (begins(s, bytes, size))
            return ls_fail(err, LS_ERR_DATA, "%s: is %s; %s", path, s->name, s->todo);
    }
    if (is_utf16(bytes, size))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: is UTF-16 text; save it as UTF-8, as with iconv -f utf-16 -t utf-8",
                       path);
    if (is_bzip2(bytes, size))
        return ls_fail(err, LS_ERR_DATA, "%s: is compressed with bzip2; " UNPACK("bunzip2"), path);
    if (is_model(bytes, size))
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: is a model or another safetensors file, not a file of rows; name the data", path);
    if (is_json(bytes, size))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: is a JSON file; convert it to CSV, as with pandas.read_json(...)."
                       "to_csv(...) (lines=True if each line is an object)",
                       path);
    return LS_OK;
}
