/* SPDX-License-Identifier: MIT */
/**
 * @file lockstep.h
 * Lockstep: trains neural networks with the same result, bit for bit, on CPUs and on every exact
 * OpenCL device.
 *
 * Conventions
 * - Matrices are row-major float32. A data set is rows × features; the outputs of a model are
 *   rows × outputs.
 * - A function that can fail returns an ls_status. If `err` is not NULL, it receives a message that
 *   says what failed, where, and what to do. On failure, outputs are left unchanged. Any such
 *   function may return LS_ERR_MEMORY; further errors are listed with the function.
 * - Pointers must not be NULL unless the function's comment says so. Otherwise the call fails with
 *   LS_ERR_ARGUMENT, or gives 0, NULL or "" if it has no status.
 * - The caller's floating-point mode (rounding, flushing of denormals, traps) changes no result. It
 *   is the caller's again when a function returns and while a callback runs.
 * - The library prints nothing and never exits. It has no global state that a caller could notice.
 *   Threads may use the library concurrently, as long as no two of them use the same ls_device, or
 *   change the same object, at the same time. After a fork, the child opens devices of its own.
 * - Whoever creates an object frees it with the matching `_free` or `_close` function; these accept
 *   NULL. Strings that a function returns belong to the object they are read from.
 * - Indices and class numbers start at 0. Fields that are 1 for yes and 0 for no have type int.
 *
 * Struct sizes
 * Structs to which fields may be added begin with `size_t struct_size`, so that a program and a
 * library of different versions work together. New fields are appended; existing ones keep their
 * place.
 * - Structs that the caller passes (ls_..._options): set struct_size to the size of the struct, or
 *   leave it 0 for the fields of version 0.1, so that zero-initialising is enough. The library
 *   takes fields that the struct lacks as zero and ignores fields that it does not know.
 * - Structs that the library fills (ls_column_info, ls_device_rates, ls_device_timing,
 *   ls_layer_info, ls_summary, ls_member_info): set struct_size before the call, for an array in
 *   its first element, where it is also the distance between elements. The library writes no
 *   further than that, leaves fields that it does not know unchanged, and sets struct_size of the
 *   other elements.
 *       ls_summary summary = LS_INIT(ls_summary);
 * - Structs in the library's memory (ls_option_info, ls_device_info, ls_check_progress,
 *   ls_tune_progress, ls_progress, ls_metrics, ls_fleet_progress): the library sets struct_size. A
 *   program that must also work with older libraries checks it before it reads a field that was
 *   added later.
 * A struct_size that is smaller than the struct was in version 0.1, or larger than 64 KiB, gives
 * LS_ERR_ARGUMENT. Structs without struct_size are final: ls_error, ls_decision,
 * ls_calibration_bin and ls_history_point keep their fields. Fields that hold one of an enum's
 * values have the type int, as the width of an enum depends on the compiler's options.
 */
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LS_API __attribute__((visibility("default")))
#else
#define LS_API
#endif

#define LS_VERSION_MAJOR 0
#define LS_VERSION_MINOR 1
#define LS_VERSION_PATCH 0

/** Initialiser of a struct with a struct_size; all other fields become zero. It is for C. In C++:
 * ls_summary summary = {}; summary.struct_size = sizeof summary; */
#define LS_INIT(type)                                                                              \
    {                                                                                              \
        .struct_size = sizeof(type)                                                                \
    }

/** Result of a call. The values are stable. */
typedef enum {
    LS_OK = 0,
    LS_ERR_ARGUMENT = 1,   /**< an invalid option, name, value or shape */
    LS_ERR_DATA = 2,       /**< a data or model file is malformed, or data do not fit a model */
    LS_ERR_IO = 3,         /**< a file cannot be opened, read or written */
    LS_ERR_MEMORY = 4,     /**< out of memory, or a size exceeds what the machine can address */
    LS_ERR_DEVICE = 5,     /**< a device is missing, is not exact, or failed */
    LS_ERR_DIVERGED = 6,   /**< training produced a NaN or an infinity */
    LS_ERR_UNSUPPORTED = 7 /**< this build lacks the feature, as model files without jansson */
} ls_status;

/** Receives the error of a call. Needs no initialisation. Final. */
typedef struct {
    int status;         /**< an ls_status */
    char message[1024]; /**< one sentence */
} ls_error;

/** Version of the library in use, as in "0.1.0". */
LS_API const char *ls_version(void);

/** Name of a status: "argument" for LS_ERR_ARGUMENT, and so on. */
LS_API const char *ls_status_name(ls_status status);

/* ---- Options: together with the data, they determine the model ------------------------------- */

typedef struct ls_options ls_options;

/** Description of an option. Strings are static. */
typedef struct {
    size_t struct_size;   /**< set by the library */
    const char *name;     /**< as on the command line, without dashes: "batch-norm" */
    const char *argument; /**< kind of value, as in "RATE"; NULL for a flag ("on" or "off") */
    const char *initial;  /**< default value, as text */
    const char *help;     /**< one line */
} ls_option_info;

/** Creates a set of options with default values. Freed with ls_options_free. */
LS_API ls_status ls_options_create(ls_options **out, ls_error *err);
LS_API void ls_options_free(ls_options *options);

/** Sets an option from text: ("hidden", "20,20"), ("lr", "0.01"), ("batch-norm", "on").
 * Errors: LS_ERR_ARGUMENT for an unknown name (the message suggests the most similar one) or an
 * invalid value. */
LS_API ls_status ls_options_set(ls_options *options, const char *name, const char *value,
                                ls_error *err);

/** Value of an option as text; NULL for an unknown name. Valid until the option is set again. */
LS_API const char *ls_options_get(const ls_options *options, const char *name);

/** Number of options. */
LS_API size_t ls_option_count(void);
/** Description of option i, static; NULL if i is too large. */
LS_API const ls_option_info *ls_option_at(size_t i);

/* ---- Data ------------------------------------------------------------------------------------ */

typedef struct ls_data ls_data;

/** What is predicted for a row. The values are stable. */
typedef enum {
    LS_TASK_CLASSIFICATION = 0, /**< one of several classes */
    LS_TASK_REGRESSION = 1,     /**< one or more numbers */
    LS_TASK_MULTILABEL = 2      /**< for each of several labels, whether it applies */
} ls_task;

/** How to read a CSV file of numbers. Zero-initialise for the defaults. */
typedef struct {
    size_t struct_size; /**< sizeof(ls_csv_options), or 0 for the fields of version 0.1 */
    const char *target; /**< name or index of the column to predict; NULL for the last one */
    /** Known classes in their order, as a model has them; NULL to take them from the file. */
    const char *const *class_names;
    size_t classes; /**< number of class_names */
    /** Expected number of features, or 0 for any. If set, a file with exactly that many columns and
     * no class column is accepted as rows without classes. */
    size_t features;
} ls_csv_options;

/** How to generate a data set. 0 rows, classes or features, a negative noise, and an overlap of at
 * most 0 stand for the generator's defaults. */
typedef struct {
    size_t struct_size; /**< sizeof(ls_generate_options), or 0 for the fields of version 0.1 */
    size_t rows;
    double noise;    /**< standard deviation of the noise; 0 for none */
    double overlap;  /**< standard deviation of the two blobs of "overlap" */
    size_t classes;  /**< only for generators with a choice of classes */
    size_t features; /**< only for generators with a choice of features */
    uint64_t seed;
} ls_generate_options;

/** Creates data from copies of arrays. Freed with ls_data_free. x: rows × features. y: one class
 * number in [0, classes) per row; NULL for rows without classes.
 * Errors: LS_ERR_ARGUMENT for an empty shape, a class out of range, or an x that is not finite. */
LS_API ls_status ls_data_from_arrays(const float *x, const int32_t *y, size_t rows, size_t features,
                                     size_t classes, ls_data **out, ls_error *err);

/** The same with targets in place of classes. task: LS_TASK_REGRESSION, or LS_TASK_MULTILABEL,
 * where each value is 0 or 1. values: rows × targets; NULL for rows without targets. The targets
 * are named "y1".."yN", or "y" if there is one. Errors: LS_ERR_ARGUMENT for another task, an empty
 * shape, an x or a value that is not finite, or a label that is neither 0 nor 1. */
LS_API ls_status ls_data_from_targets(const float *x, const double *values, size_t rows,
                                      size_t features, size_t targets, ls_task task, ls_data **out,
                                      ls_error *err);

/** Sets the weights of the rows in training: one number per row, finite and at least 0; NULL: no
 * weights. A row's training loss is multiplied by its weight, divided by the mean weight of the
 * training rows; validation and metrics do not use weights. Not while a fleet trains on the data.
 * Errors: LS_ERR_ARGUMENT for a weight out of range. */
LS_API ls_status ls_data_set_weights(ls_data *data, const double *weights, ls_error *err);

/** Reads a CSV file of numbers without missing values: with or without a header, separated by
 * commas, semicolons or tabs, fields quoted or not, classes as text or numbers. `options` may be
 * NULL. Errors: LS_ERR_DATA with file, line and column; LS_ERR_IO. */
LS_API ls_status ls_data_read_csv(const char *path, const ls_csv_options *options, ls_data **out,
                                  ls_error *err);

typedef struct ls_model ls_model;

/** Called periodically while a large CSV file is read, with the fraction read (0-1). */
typedef void (*ls_read_callback)(double share, void *user);

/** How to read a data file. Zero-initialise for the defaults. Lists of columns are names or
 * indices, separated by commas. */
typedef struct {
    size_t struct_size; /**< sizeof(ls_read_options), or 0 for the fields of version 0.1 */
    const char *target; /**< name or index of the column to predict; NULL for the last one */
    /** IDX and NPY only: the file with the classes. NULL: for IDX the file that usually accompanies
     * it, for NPY the last column. */
    const char *labels;
    const char *columns;     /**< columns to use; NULL for all */
    const char *drop;        /**< columns to leave out; NULL for none */
    const char *categorical; /**< columns to treat as categories although they contain numbers */
    /** Treatment of missing values; NULL for "mean".
     *  "mean": the mean of the training rows; a missing category counts as "other".
     *  "median": the median of the training rows; categories as for "mean".
     *  "most-frequent": the most frequent value, also of categories.
     *  "drop": training rows with missing values are left out; other rows as for "mean".
     *  "error": a missing value is an error. */
    const char *missing;
    /** Read rows for this model: its columns and classes are expected, and the class column may be
     * absent. NULL for none. */
    const ls_model *model;
    /** Read rows like these, as test rows like the training rows. NULL for none. Ignored if `model`
     * is set. */
    const ls_data *like;
    ls_read_callback callback; /**< may be NULL */
    void *user;                /**< passed to `callback` */
    /** CSV only: whether the first record names the columns: "yes", "no", or NULL or "auto" to let
     * the reader decide (docs/data.md). */
    const char *header;
    /** CSV only: separator of fields: a character, "tab", "space" (one or more blanks or tabs), or
     * NULL or "auto" to find it. */
    const char *separator;
    /** CSV only: "point" or "comma"; NULL or "auto" to decide for each column. */
    const char *decimal;
    /** CSV only: separator of thousands in numbers: "comma", "point", "space" or "apostrophe"; NULL
     * or "none": numbers have none. */
    const char *thousands;
    /** CSV only: columns whose numbers have a sign or a unit, which is ignored, as in "$5" or "3
     * kg". */
    const char *units;
    const char *missing_mark; /**< further texts that mark missing values, separated by commas */
    /** "classification" or "regression"; NULL or "auto" to decide by the values of the target. */
    const char *task;
    const char *weight; /**< column of the rows' weights in training; NULL for none */
    const char *group;  /**< column of the rows' groups; splits keep a group together */
    int no_target;      /**< 1: read the features only, as for prediction */
    int dates;          /**< 1: read dates as days since 1970, times as hours; 0: refuse */
    size_t sample;      /**< number of rows to draw; 0 for all */
    uint64_t sample_seed;
} ls_read_options;

/** Reads a data file, gzip-compressed or not. The content determines the format: CSV, IDX (as MNIST
 * is published) or NPY (numpy.save: float32, float64 or integers in C order). A CSV column is
 * numeric or categorical depending on its content. `options` may be NULL. Freed with ls_data_free.
 * Errors: LS_ERR_ARGUMENT for invalid options; LS_ERR_DATA with file, line and column; LS_ERR_IO.
 */
LS_API ls_status ls_data_read(const char *path, const ls_read_options *options, ls_data **out,
                              ls_error *err);

/** Rows of a file for a model, read block by block in memory that does not grow with the file. */
typedef struct ls_reader ls_reader;

/** Opens a data file, as for ls_data_read, whose rows are for options->model, which must outlive
 * the reader. The path "-" is standard input. Only the features are read: targets, weights and
 * groups are ignored, and so are the options that name them. Each row is read as it would be read
 * alone. Errors: LS_ERR_ARGUMENT for invalid options, or without a model; LS_ERR_DATA if the
 * columns do not fit the model; LS_ERR_IO. */
LS_API ls_status ls_reader_open(const char *path, const ls_read_options *options, ls_reader **out,
                                ls_error *err);

/** Reads the next rows, at most most_rows > 0. *data is NULL at the end, otherwise it is freed with
 * ls_data_free; ls_data_row_number counts from the start of the file. There may be fewer rows than
 * asked for although more follow: from a pipe, those that have arrived. A row that cannot be read
 * ends the reading: the rows before it are returned first, then the call fails with LS_ERR_DATA and
 * the row's line. Other errors: LS_ERR_IO. */
LS_API ls_status ls_reader_next(ls_reader *reader, size_t most_rows, ls_data **data, ls_error *err);

/** Fraction of the file that has been read (0-1); 0 if its size is not known. */
LS_API double ls_reader_share(const ls_reader *reader);
LS_API void ls_reader_close(ls_reader *reader);

/** Generates the data set of that name: the same bits on every machine. `options` may be NULL.
 * Errors: LS_ERR_ARGUMENT for an unknown name or invalid options. */
LS_API ls_status ls_data_generate(const char *name, const ls_generate_options *options,
                                  ls_data **out, ls_error *err);

/** Name of generator i; NULL if i is too large. *about (may be NULL): one line about it. Static. */
LS_API const char *ls_generator_at(size_t i, const char **about);

/** Writes data as CSV with a header. The path "-" is standard output. The file is written whole, or
 * an existing one stays unchanged. Errors: LS_ERR_IO. */
LS_API ls_status ls_data_write_csv(const ls_data *data, const char *path, ls_error *err);

/** Splits data, stratified by class and shuffled by `seed`: *part gets about `fraction` of the rows
 * of each class (0 < fraction < 1), *rest the others. Both are copies.
 * Errors: LS_ERR_ARGUMENT if either part would be empty. */
LS_API ls_status ls_data_split(const ls_data *data, double fraction, uint64_t seed, ls_data **rest,
                               ls_data **part, ls_error *err);

LS_API size_t ls_data_rows(const ls_data *data);
/** Number of network inputs that the data give: one per numeric column, and several per column of
 * categories. */
LS_API size_t ls_data_features(const ls_data *data);
/** Number of classes; 0 for rows without classes. */
LS_API size_t ls_data_classes(const ls_data *data);
/** Number of columns besides the class. Equals ls_data_features if all are numeric. */
LS_API size_t ls_data_columns(const ls_data *data);
/** Cells before encoding, rows × columns: a number minus the offset of its column (see
 * ls_column_info; 0 for almost all columns), or the index of a category (see ls_data_category); NaN
 * for a missing value. */
LS_API const float *ls_data_x(const ls_data *data);
/** Class number of each row; NULL for rows without classes. */
LS_API const int32_t *ls_data_y(const ls_data *data);
/** Index of row i in the data that were read. Splitting and dropping rows keep it. */
LS_API size_t ls_data_row_number(const ls_data *data, size_t i);
/** Name of class i; NULL if i is too large. */
LS_API const char *ls_data_class_name(const ls_data *data, size_t i);
/** Name of feature i; NULL if i is too large. */
LS_API const char *ls_data_feature_name(const ls_data *data, size_t i);
/** Name of the class column, or of the first target; "class" if it has none. */
LS_API const char *ls_data_target_name(const ls_data *data);
/** What the data are for. */
LS_API ls_task ls_data_task(const ls_data *data);
/** Number of target columns; 1 for classes. */
LS_API size_t ls_data_targets(const ls_data *data);
/** Name of target i; NULL if i is too large or it has none. */
LS_API const char *ls_data_target_at(const ls_data *data, size_t i);
/** Values of the targets, rows × targets: numbers, or labels as 0 and 1; NULL for classes and for
 * rows without targets. */
LS_API const double *ls_data_values(const ls_data *data);
/** Weights of the rows in training; NULL without weights. */
LS_API const double *ls_data_weights(const ls_data *data);
/** Number of rows that were left out on reading because of missing = "drop". */
LS_API size_t ls_data_dropped(const ls_data *data);
/** What was assumed on reading the data: note i, one sentence without a full stop at its end, as in
 * "line 1 is taken as names of columns (--header no)"; NULL if i is too large. Parts of a split
 * have no notes. Valid as long as the data. */
LS_API const char *ls_data_note(const ls_data *data, size_t i);

/** Description of a column. Statistics are over the values present. */
typedef struct {
    size_t struct_size; /**< set it to sizeof(ls_column_info) before the call */
    const char *name;
    size_t place;      /**< index of the column in its file */
    int categorical;   /**< 1: categories; 0: numbers */
    size_t missing;    /**< number of rows without a value */
    size_t categories; /**< number of categories; 0 for numbers */
    /** Minimum, maximum, mean and (population) standard deviation; NaN for categories and for
     * columns without any value. */
    double least, most, mean, deviation;
    /** The cells of ls_data_x are the numbers minus this, so that 32-bit floats can tell large
     * numbers apart that are close together, such as times. 0 for most columns. */
    double offset;
} ls_column_info;

/** Describes column i. Errors: LS_ERR_ARGUMENT if i is too large. */
LS_API ls_status ls_data_column(const ls_data *data, size_t i, ls_column_info *out, ls_error *err);

/** Name of category k of a column; NULL if there is none. *rows (may be NULL): the number of rows
 * with this category. */
LS_API const char *ls_data_category(const ls_data *data, size_t column, size_t k, size_t *rows);
LS_API void ls_data_free(ls_data *data);

/* ---- Devices --------------------------------------------------------------------------------- */

typedef struct ls_device ls_device;

/** Description of a device. */
typedef struct {
    size_t struct_size; /**< set by the library */
    int index;          /**< what ls_device_open accepts; 0 is the CPU path */
    int exact;          /**< 1: trains to the bits of the CPU path; 0: approximate, see `reason` */
    char kind[16];      /**< "cpu path", "gpu", "cpu" or "accelerator" */
    char name[128];
    char vendor[128];
    char driver[128];
    char platform[128];
    char reason[256];  /**< why the device is approximate or unusable, or "" */
    uint64_t memory;   /**< bytes; 0 if unknown */
    char version[256]; /**< versions of OpenCL that the device and its platform report */
    int unusable;      /**< 1: the device cannot be opened, see `reason` */
    int failed;        /**< 1: it has failed in an earlier run and is not chosen by itself */
} ls_device_info;

/** Lists the CPU path and all OpenCL devices. *list is an array of pointers that ends with NULL,
 * freed with ls_devices_free. *count (may be NULL): the number of devices, at least 1. `note` (may
 * be NULL): why there is no OpenCL device, or "". A device that is seen for the first time is
 * checked, and its speed is measured, which takes some seconds; both are stored in the user's cache
 * folder. */
LS_API ls_status ls_devices_list(ls_device_info ***list, size_t *count, char note[256],
                                 ls_error *err);

/** Passed to the callback of ls_devices_list_with while devices are checked. */
typedef struct {
    size_t struct_size;           /**< set by the library */
    const ls_device_info *device; /**< the device; not complete yet */
    const char *doing;            /**< what is being compared */
    unsigned done, total;         /**< parts of the check */
} ls_check_progress;

typedef void (*ls_check_callback)(const ls_check_progress *progress, void *user);

/** The same, and reports what takes long. callback: called on the calling thread; may be NULL. */
LS_API ls_status ls_devices_list_with(ls_check_callback callback, void *user,
                                      ls_device_info ***list, size_t *count, char note[256],
                                      ls_error *err);
LS_API void ls_devices_free(ls_device_info **list);

/** What an OpenCL device can do. Each number is 0 if it was not measured. */
typedef struct {
    size_t struct_size; /**< set it before the call */
    double launch;      /**< seconds that one more launch of a kernel in a full queue takes */
    double finish;  /**< seconds from a launch into an empty queue until the host knows its end */
    double barrier; /**< seconds of a barrier over all work-groups of a launch */
    double copy;    /**< bytes per second, read and written, of a copy within the device */
    double upload;  /**< bytes per second from host memory to the device */
    double product[4]; /**< multiply-adds per second of matrix products: those with few columns,
                            small, large, and huge ones */
    double alone;      /**< multiply-adds per second of one small network */
    double fleet;      /**< multiply-adds per second of 1024 small networks together */
} ls_device_rates;

/** Gives the rates that were measured when the device was checked. All are 0 for the CPU path, and
 * for a device that is not exact or not checked yet.
 * Errors: LS_ERR_ARGUMENT. */
LS_API ls_status ls_device_get_rates(const ls_device_info *info, ls_device_rates *out,
                                     ls_error *err);

/** Joins the processes that mpirun or srun has started together with this one (MPI). To be called
 * once, before a device is opened, on the thread that opens devices. Rank 0 goes on as if it were
 * alone; each device that it opens afterwards, one at a time, stands for one device of every rank,
 * which share out the devices and cores of their machine. Training on it gives the same bits as on
 * one. The others call ls_ranks_serve. *rank, *ranks (may be NULL): 0 and 1 in a process that was
 * started alone. Errors: LS_ERR_UNSUPPORTED if there are other processes, but Lockstep was built
 * without MPI; LS_ERR_DEVICE if MPI fails, or if the processes are not of one build;
 * LS_ERR_ARGUMENT if a LOCKSTEP_RANKS variable in the environment is wrong. */
LS_API ls_status ls_ranks_begin(int *rank, int *ranks, ls_error *err);
/** Does the work of a rank other than 0, until rank 0 ends it. Errors: LS_ERR_DEVICE if that cannot
 * be reached any more; LS_ERR_ARGUMENT on rank 0 and without other ranks. */
LS_API ls_status ls_ranks_serve(ls_error *err);
/** Ends the work of all ranks, on rank 0, after devices were closed. */
LS_API void ls_ranks_end(void);

/** Opens a device. Closed with ls_device_close.
 * spec: "cpu", "auto" (also NULL and ""), an index, or part of a name, vendor or platform.
 * threads: of the CPU path, at most 1024; 0 to choose the fastest number by measuring.
 * allow_approximate: non-zero to accept a device that is not exact.
 * "auto" starts on the CPU path. If a training will take more than a few seconds, or more than
 * about one where a GPU is known to be much faster, it measures each exact device (and, with 0
 * threads, other numbers of threads) for some tens of milliseconds, and continues on the fastest.
 * The choice changes no bit of the model. Prediction is not measured; it uses the device that the
 * last training chose. See ls_device_timings. Errors: LS_ERR_DEVICE if no device or several match,
 * or if the device is approximate and allow_approximate is 0; LS_ERR_ARGUMENT for too many threads.
 */
LS_API ls_status ls_device_open(const char *spec, unsigned threads, int allow_approximate,
                                ls_device **out, ls_error *err);

/** Description of the device; for a device that is chosen by measuring, of the one now in use.
 * Valid until the device is closed; its content changes with the choice. */
LS_API const ls_device_info *ls_device_get_info(const ls_device *device);

/** What users should know about how the device has worked so far, in one or more sentences, or "".
 * An example: a way of running steps failed, and others, which give the same bits, took its place.
 * Valid until the device is used or closed. */
LS_API const char *ls_device_note(const ls_device *device);

/** Whether work goes on, with the same bits, on another device if the device fails: it gives an
 * error or a wrong result, its driver crashes or hangs, or it has no room. It does after
 * ls_device_open, unless the device is approximate; ls_device_note then says so. With 0 a failure
 * ends the work with LS_ERR_DEVICE. */
LS_API ls_status ls_device_set_fallback(ls_device *device, int fallback, ls_error *err);

/** A candidate of a device that is chosen by measuring. */
typedef struct {
    size_t struct_size; /**< set it in the first element before the call */
    char name[128];     /**< as in ls_device_info */
    char note[256];     /**< why the candidate was not measured, or "" */
    int chosen;         /**< 1 for the fastest candidate */
    double speed;       /**< training steps per second, all networks together; 0: not measured */
    double estimated;   /**< the same, as estimated from the device's speed before it was tried; 0:
                             no estimate */
} ls_device_timing;

/** Gives the candidates that were tried. *count: their number, 0 if there was no choice or all
 * trainings were too short for measuring. list: the first `most` of them are written here; NULL if
 * `most` is 0. */
LS_API ls_status ls_device_timings(const ls_device *device, ls_device_timing *list, size_t most,
                                   size_t *count, ls_error *err);
LS_API void ls_device_close(ls_device *device);

/** Passed to the callback of ls_device_tune after each candidate. */
typedef struct {
    size_t struct_size;   /**< set by the library */
    const char *product;  /**< kind and size of matrix product */
    const char *tile;     /**< the candidate: a way to divide the product into tiles */
    double flops;         /**< FLOP/s; 0 if it does not run, or gives wrong bits */
    double best;          /**< best FLOP/s for this product so far */
    unsigned done, total; /**< candidates */
} ls_tune_progress;

/** Return non-zero to stop tuning. */
typedef int (*ls_tune_callback)(const ls_tune_progress *progress, void *user);

/** Measures which tiles are fastest on an OpenCL device. The choice is stored in the user's cache
 * folder for this device, driver and version of the library, and later runs use it. It changes no
 * bit of any model. callback may be NULL. path (may be NULL, at least 700 bytes): receives the path
 * of the stored file.
 * Errors: LS_ERR_ARGUMENT for the CPU path, or if the callback stopped tuning. */
LS_API ls_status ls_device_tune(ls_device *device, ls_tune_callback callback, void *user,
                                char *path, ls_error *err);

/* ---- Training -------------------------------------------------------------------------------- */

/** Passed to the callback of ls_train after each epoch. */
typedef struct {
    size_t struct_size; /**< set by the library */
    uint64_t epoch;     /**< epochs done, from 1 */
    uint64_t epochs;    /**< the option "epochs" */
    uint64_t steps;     /**< optimizer steps done */
    /** Mean training loss of the epoch, before each step's update. For regression, losses are those
     * of the standardised target. */
    double loss;
    double validation_loss; /**< mean over the validation rows; NaN without such rows */
    /** Share of the validation rows whose class, or all of whose labels, are predicted, without a
     * threshold; NaN for regression and without such rows. */
    double validation_accuracy;
    double seconds;       /**< training time so far */
    double learning_rate; /**< of the last step */
    uint64_t rollbacks;   /**< as in ls_summary, so far */
} ls_progress;

/** Called after each epoch, in order. Return non-zero to stop; the model is then that of this
 * epoch (or, with the option "patience", of the best one). */
typedef int (*ls_epoch_callback)(const ls_progress *progress, void *user);

/** Trains a network. device: NULL for the CPU path on one thread. callback may be NULL. *out is
 * freed with ls_model_free.
 * Errors: LS_ERR_ARGUMENT if options contradict each other or the data; LS_ERR_DATA if the data
 * cannot be trained on; LS_ERR_DIVERGED, with the first layer and step in the message;
 * LS_ERR_DEVICE. */
LS_API ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data,
                          ls_epoch_callback callback, void *user, ls_model **out, ls_error *err);

/** How ls_train_controlled trains. Apart from `from` and `refit`, none of it changes a bit of the
 * model. */
typedef struct {
    size_t struct_size;         /**< see the head of this file */
    ls_epoch_callback callback; /**< as in ls_train; may be NULL */
    void *user;
    /** Folder for checkpoints, which is created in a folder that exists, or NULL. A checkpoint
     * holds everything that training needs to go on, and is written to a temporary file, synced
     * and renamed. */
    const char *checkpoint;
    uint64_t every_epochs; /**< writes one after each so many epochs; 0: by time */
    double every_seconds;  /**< by time: 0 for every 30 s, or less often if that took more than 1 %
                                of the time */
    size_t keep;           /**< newest checkpoints to keep, at least 2; 0: 2 */
    int resume;            /**< 1: go on from the newest whole checkpoint, or from the start if the
                                folder has none */
    /** On a device other than the CPU path, one step in so many is repeated on the CPU path and
     * compared in all bits. 0: only the loss of a step now and then, at less than 1 % of the time.
     * A device that is wrong has failed. */
    uint64_t verify;
    int check_finite; /**< 1: looks at all weights and optimizer states after each epoch (at less
                           than 3 % of the time), instead of only at the losses */
    int refit; /**< 1: with `from`, standardisation and what fills missing values are fitted to the
                    rows of `data`, instead of being those of the model */
    size_t *unsaved; /**< receives the number of checkpoints that could not be written, each of
                        which was noticed; may be NULL */
    /** Called with a line of text when something happens that users should know: a device failed,
     * a checkpoint was damaged. May be NULL. */
    void (*notice)(const char *line, void *user);
    /** Training starts from the weights and running averages of this model, with a new optimizer
     * state; NULL: from the seed. Its tensors must be those of the network that the options give.
     * Names, order of classes, categories and, without `refit`, preprocessing are the model's;
     * rows are best read for it (ls_read_options.model). It is not changed. */
    const ls_model *from;
} ls_train_control;

/** Trains a network as ls_train does, with checkpoints and checks. control may be NULL. When the
 * callback stops the training, a last checkpoint is written.
 * Errors: as ls_train; LS_ERR_IO if a checkpoint cannot be written; LS_ERR_ARGUMENT if the
 * checkpoint to resume from is of other data, options, arithmetic or start, or if the model to
 * start from does not fit the network, with the first tensor that does not; LS_ERR_DATA if it does
 * not fit the data; LS_ERR_UNSUPPORTED for checkpoints without jansson. */
LS_API ls_status ls_train_controlled(ls_device *device, const ls_options *options,
                                     const ls_data *data, const ls_train_control *control,
                                     ls_model **out, ls_error *err);

/* ---- Models ---------------------------------------------------------------------------------- */

/** Origin of a threshold. The values are stable. */
typedef enum {
    LS_THRESHOLD_DEFAULT = 0,    /**< not set: the largest output, or a single output at 0.5 */
    LS_THRESHOLD_GIVEN = 1,      /**< given as a number */
    LS_THRESHOLD_VALIDATION = 2, /**< best F1 on the validation rows */
    LS_THRESHOLD_TRAINING = 3,   /**< best F1 on the training rows, without validation rows */
    /** Best F1 on the evaluated rows themselves: metrics with this threshold are optimistic. */
    LS_THRESHOLD_DATA = 4
} ls_threshold_source;

/** How outputs become a class. The score of a class is its output; with a single output x, it is x
 * for class 1 and 1 - x for class 0. Final. */
typedef struct {
    size_t positive; /**< with two classes: the class that the threshold applies to */
    /** A row is of the positive class if its score is at least this; NaN: the class with the
     * largest output. */
    float threshold;
    int source; /**< an ls_threshold_source */
} ls_decision;

enum { LS_CALIBRATION_BINS = 10 };

/** Rows whose score is in (i/10, (i + 1)/10] for bin i; the first bin includes 0. Final. */
typedef struct {
    uint64_t rows;
    double score; /**< mean score of these rows; NaN without rows */
    double share; /**< share of these rows for which the scored class is right; NaN without rows */
} ls_calibration_bin;

/** Metrics of a model on data. docs/metrics.md has the formulas and their sources. With two
 * classes, precision, recall and f1 are those of the positive class (by default the second one);
 * otherwise macro averages. 0/0 is reported as 0. Freed with ls_metrics_free. */
typedef struct {
    size_t struct_size; /**< set by the library */
    size_t rows, classes;
    /** With two classes: the class that precision, recall, f1 and calibration are about. */
    size_t positive;
    ls_decision decision; /**< how classes were predicted */
    /** Training loss, mean over rows; without weights and penalties. For regression, that of the
     * standardised target. */
    double loss;
    double loss_sum; /**< the same, summed over rows */
    double accuracy, precision, recall, f1;
    /** Area under the ROC curve; with more than two classes, the mean over classes of each against
     * the rest. NaN if a class has no row, or all of them. */
    double auc;
    unsigned undefined; /**< how many of accuracy, precision, recall, f1 and auc were 0/0 */
    double macro_precision, macro_recall, macro_f1;          /**< means over classes */
    double weighted_precision, weighted_recall, weighted_f1; /**< means weighted by class_support */
    /** Mean of -ln p of the true class, with p clipped to [e, 1 - e], e = 2^-23. This,
     * brier and calibration_error need probabilities: they are NaN for identity outputs and for
     * several sigmoid outputs. */
    double log_loss;
    /** Mean squared difference of probability and outcome (0 or 1). Two classes: of the positive
     * class, 0 to 1; more: summed over the classes, 0 to 2. */
    double brier;
    double calibration_error; /**< mean of |share - score| over the bins, weighted by their rows */
    /** Two classes: score of the positive class, and share of rows of that class. More: score of
     * the most likely class, and share of rows for which it is right. Without probabilities, bins
     * have no rows. */
    ls_calibration_bin calibration[LS_CALIBRATION_BINS];
    uint64_t *confusion; /**< classes × classes: true class × predicted class, number of rows */
    double *class_precision, *class_recall, *class_f1; /**< one value per class */
    uint64_t *class_support;                           /**< number of rows of each class */
    /** Share of rows of the class that is most frequent in the training rows: the accuracy of a
     * model that always predicts it. NaN if that class is not known. */
    double baseline_accuracy;
    /** Number of target columns; 0 for classes. With labels (LS_TASK_MULTILABEL), accuracy is the
     * share of rows all of whose labels are right, and class_precision, class_recall, class_f1 and
     * class_support have one value per label. */
    size_t targets;
    /** Regression, in units of the target; with several targets, the mean over them. NaN for
     * classes and labels. */
    double rmse, mae, r2, median_absolute_error, explained_variance;
    /** RMSE and MAE of a model that always predicts the mean of the training rows. */
    double baseline_rmse, baseline_mae;
    /** One value per target, or NULL. */
    double *target_rmse, *target_mae, *target_r2;
    double *target_median_absolute_error, *target_explained_variance;
} ls_metrics;

LS_API void ls_metrics_free(ls_metrics *metrics);

/** Number of network inputs, as ls_data_features of the training data. */
LS_API size_t ls_model_features(const ls_model *model);
/** Number of network outputs: 1 for a single sigmoid output, otherwise one per class; one per
 * target for numbers and labels. */
LS_API size_t ls_model_outputs(const ls_model *model);
/** Number of classes; 0 for numbers and labels. */
LS_API size_t ls_model_classes(const ls_model *model);
/** What the model predicts. */
LS_API ls_task ls_model_task(const ls_model *model);
/** Number of targets; 1 for classes. */
LS_API size_t ls_model_targets(const ls_model *model);
/** Name of target i, or of the class column; NULL if i is too large or it has none. */
LS_API const char *ls_model_target_name(const ls_model *model, size_t i);
/** Name of class i; NULL if i is too large. */
LS_API const char *ls_model_class_name(const ls_model *model, size_t i);
/** Name of network input i; NULL if i is too large. */
LS_API const char *ls_model_feature_name(const ls_model *model, size_t i);

/** Computes network outputs for rows. x: rows × columns in the layout of ls_data_x of the training
 * data (for numbers only, rows × features; numbers minus the offset of their column). If the model
 * was trained on categories or missing values, ls_model_predict_data is easier to use. The model's
 * standardisation and encoding are applied. out: rows × outputs, probabilities (raw values for
 * identity outputs); for regression, numbers in units of the target, rounded to float32. device:
 * NULL for the CPU path on one thread. Errors: LS_ERR_ARGUMENT without rows, or for a category out
 * of range; LS_ERR_DATA if an output is not finite, because a value lies far outside the training
 * rows; LS_ERR_DEVICE. */
LS_API ls_status ls_model_predict(const ls_model *model, ls_device *device, const float *x,
                                  size_t rows, float *out, ls_error *err);

/** The same for data. If their file may lack columns or classes, read it with
 * ls_read_options.model. Categories are matched by name.
 * Errors: LS_ERR_DATA if the data do not fit the model; LS_ERR_DEVICE. */
LS_API ls_status ls_model_predict_data(const ls_model *model, ls_device *device,
                                       const ls_data *data, float *out, ls_error *err);

/** Predicts numbers: out (rows × targets) = mean + output/scale in double, in units of the target.
 * Errors: LS_ERR_ARGUMENT for a model of classes or labels; otherwise as ls_model_predict_data. */
LS_API ls_status ls_model_predict_numbers(const ls_model *model, ls_device *device,
                                          const ls_data *data, double *out, ls_error *err);

/** Encodes data as network inputs: categories as 0 and 1, missing values filled, numbers
 * standardised. out: rows × features. Errors: LS_ERR_DATA if the data do not fit the model. */
LS_API ls_status ls_model_inputs(const ls_model *model, const ls_data *data, float *out,
                                 ls_error *err);

/** Computes network outputs for inputs as from ls_model_inputs. inputs: rows × features. out: rows
 * × outputs, as of ls_model_predict. Errors: LS_ERR_ARGUMENT without rows; LS_ERR_DEVICE. */
LS_API ls_status ls_model_predict_inputs(const ls_model *model, ls_device *device,
                                         const float *inputs, size_t rows, float *out,
                                         ls_error *err);

/** Positive class and threshold of a model of two classes. Zero-initialise to keep the model's,
 * which are by default the second class and the larger of two outputs. */
typedef struct {
    size_t struct_size;   /**< sizeof(ls_threshold_options), or 0 for the fields of version 0.1 */
    const char *positive; /**< name or index of the positive class; NULL to keep the model's */
    /** A number ("0.3"), or "best-f1" for the score that gives the best F1 as the threshold, the
     * lowest of equally good ones. NULL to keep the model's. */
    const char *threshold;
} ls_threshold_options;

/** Class of one row of outputs by the model's decision: with a threshold, the positive class if its
 * score reaches it; without, the largest output, or class 1 if a single output reaches 0.5. Only
 * for classes: 0 for a model of numbers or labels. A label applies if its output reaches 0.5. */
LS_API size_t ls_model_decide(const ls_model *model, const float *outputs);

/** The model's decision. */
LS_API ls_decision ls_model_decision(const ls_model *model);

/** Changes the decision of a model of two classes; saving the model keeps it. "best-f1" needs the
 * data that the model was trained on: the threshold is chosen on the validation rows that the
 * training options take from `data`, or on all of `data` if they take none. For a number, device
 * and data may be NULL.
 * Errors: LS_ERR_ARGUMENT for more than two classes, an unknown class, an invalid number, or
 * "best-f1" without data; LS_ERR_DATA if no row is of the positive class; LS_ERR_DEVICE. */
LS_API ls_status ls_model_set_threshold(ls_model *model, ls_device *device, const ls_data *data,
                                        const ls_threshold_options *options, ls_error *err);

/** Computes metrics on data with classes, numbers or labels, as the model predicts. device: NULL
 * for the CPU path on one thread. *out is freed with ls_metrics_free. Errors: LS_ERR_ARGUMENT for
 * data without targets, or of another task; LS_ERR_DATA if the data do not fit the model;
 * LS_ERR_DEVICE. */
LS_API ls_status ls_model_evaluate(const ls_model *model, ls_device *device, const ls_data *data,
                                   ls_metrics **out, ls_error *err);

/** The same with another positive class or threshold. The model is not changed. "best-f1" is chosen
 * on `data`. options may be NULL. Errors: as ls_model_evaluate and ls_model_set_threshold. */
LS_API ls_status ls_model_evaluate_with(const ls_model *model, ls_device *device,
                                        const ls_data *data, const ls_threshold_options *options,
                                        ls_metrics **out, ls_error *err);

/** Statistics of a layer of a trained network, over rows of data. Norms are Euclidean, over the
 * layer's weights and biases (with batch normalisation: weights, gamma and beta). */
typedef struct {
    size_t struct_size; /**< set it in the first element before the call */
    size_t inputs, units;
    /** Name of the activation, as "relu"; of the last layer that of the outputs, as "softmax".
     * Static. */
    const char *activation;
    double weight_norm;
    double gradient_norm; /**< of the mean loss, without class weights and penalties */
    /** Mean and standard deviation of the activations over rows and units, before dropout and
     * before the sum of a residual block. */
    double mean, deviation;
    /** Share of activations at which the function is flat or nearly flat; docs/report.md lists the
     * limits. NaN for identity. */
    double saturated;
    size_t dead; /**< units that are saturated on every row; 0 for the last layer */
} ls_layer_info;

/** Number of layers, including the output layer. */
LS_API size_t ls_model_layer_count(const ls_model *model);

/** What a layer is and how large. Sizes are those of one row. */
typedef struct {
    size_t struct_size; /**< set it before the call */
    /** The layer in the words of the option `net`, as "conv 16 3x3 same, batchnorm, relu". */
    char text[128];
    /** Output: height × width positions with `channels` values each, 1 × 1 without an image. */
    size_t height, width, channels;
    size_t parameters;
    double flop; /**< of a forward pass: 2 per product and sum, 1 per value compared or added */
} ls_layer_shape;

/** The shape of layer i < ls_model_layer_count(model). Errors: LS_ERR_ARGUMENT. */
LS_API ls_status ls_model_layer_shape(const ls_model *model, size_t i, ls_layer_shape *out,
                                      ls_error *err);

/** Computes statistics of each layer by one training step over at most about 2000 rows, taken
 * evenly from `data`: forward and backward with the model's weights, without dropout. Batch
 * normalisation uses the statistics of these rows, as in training. out: ls_model_layer_count
 * elements. *rows (may be NULL): the number of rows used. The results have the same bits on every
 * exact device. Errors: as ls_model_evaluate. */
LS_API ls_status ls_model_layers(const ls_model *model, ls_device *device, const ls_data *data,
                                 ls_layer_info *out, size_t *rows, ls_error *err);

/** Writes a model as a safetensors file (docs/file-format.md). The file is written whole, or an
 * existing one stays unchanged. Errors: LS_ERR_IO; LS_ERR_UNSUPPORTED without jansson. */
LS_API ls_status ls_model_save(const ls_model *model, const char *path, ls_error *err);
/** Reads a model. *out is freed with ls_model_free.
 * Errors: LS_ERR_DATA for a malformed or damaged file; LS_ERR_IO; LS_ERR_UNSUPPORTED without
 * jansson. */
LS_API ls_status ls_model_load(const char *path, ls_model **out, ls_error *err);

/** SHA-256, as 64 hexadecimal digits, of the model's tensors (parameters and running averages): as
 * float32 little-endian, in the order of the file. "" if memory runs out. */
LS_API void ls_model_weights_sha256(const ls_model *model, char hex[65]);

/** SHA-256, as 64 hexadecimal digits, of the file that ls_model_save writes.
 * Errors: LS_ERR_UNSUPPORTED without jansson. */
LS_API ls_status ls_model_sha256(const ls_model *model, char hex[65], ls_error *err);

/** One epoch of the training history. Final. */
typedef struct {
    uint64_t epoch;
    float loss;                                 /**< as in ls_progress */
    float validation_loss, validation_accuracy; /**< NaN where ls_progress has it */
} ls_history_point;

/** Training history, one point per epoch, thinned to at most 1000 points. *count: their number.
 * Valid as long as the model. */
LS_API const ls_history_point *ls_model_history(const ls_model *model, size_t *count);

/** How training ended. */
typedef struct {
    size_t struct_size;  /**< set it to sizeof(ls_summary) before the call */
    uint64_t epochs;     /**< epochs done */
    uint64_t steps;      /**< optimizer steps done */
    uint64_t parameters; /**< number of trained values */
    uint64_t best_epoch; /**< the epoch whose weights the model has */
    double seconds;      /**< training time; 0 for a model that was loaded */
    double loss;         /**< training loss of the last epoch */
    /** "epochs", "tolerance", "patience", "time" or "callback". Valid as long as the model. */
    const char *stopped;
    uint64_t rollbacks; /**< times that training went back to the start of an epoch and halved the
                             learning rate (option "on-nan") */
} ls_summary;

/** Writes how training ended to *out. */
LS_API ls_status ls_model_summary(const ls_model *model, ls_summary *out, ls_error *err);

/** Value of an option that the model was trained with, as text; NULL for an unknown name. Valid as
 * long as the model. */
LS_API const char *ls_model_option(const ls_model *model, const char *name);

LS_API void ls_model_free(ls_model *model);

/* ---- Fleets: many networks trained side by side ---------------------------------------------- */

/** Networks in training on one device; they may differ in shape, options and data. Each ends with
 * the bits that ls_train would give it. */
typedef struct ls_fleet ls_fleet;

typedef enum {
    LS_MEMBER_TRAINING, /**< epochs remain */
    LS_MEMBER_DONE,     /**< training has ended, see `stopped` */
    LS_MEMBER_DIVERGED  /**< training produced a NaN or an infinity, see `message` */
} ls_member_state;

/** State of a member of a fleet. */
typedef struct {
    size_t struct_size;     /**< set it to sizeof(ls_member_info) before the call */
    int state;              /**< an ls_member_state */
    uint64_t epochs, steps; /**< done so far */
    uint64_t best_epoch;    /**< the epoch whose weights ls_fleet_model gives */
    uint64_t parameters;    /**< number of trained values */
    double loss;            /**< training loss of the last epoch; NaN before the first */
    double validation_loss; /**< NaN without validation rows */
    double seconds;         /**< the member's share of the device's working time */
    const char *stopped;    /**< "epochs", "tolerance", "patience" or "time"; NULL until it ends */
    /** Which layer diverged at which step, or NULL. Valid until the member is removed. */
    const char *message;
    double best_validation_loss; /**< the least so far; infinite without validation rows */
} ls_member_info;

/** Passed to the callback of ls_fleet_run. */
typedef struct {
    size_t struct_size;              /**< set by the library */
    size_t members;                  /**< members that were added and not removed */
    size_t training, done, diverged; /**< members by state */
    size_t waiting; /**< members of this call that wait in host memory for room on the device */
    uint64_t steps; /**< optimizer steps of all members in this call */
    double seconds; /**< since this call began */
} ls_fleet_progress;

/** Called at most twenty times per second, and at the end of a call. Return non-zero to stop all
 * members at their present step. */
typedef int (*ls_fleet_callback)(const ls_fleet_progress *progress, void *user);

/** Creates an empty fleet. Closed with ls_fleet_close. device: as for ls_train; it must outlive the
 * fleet. memory: the most bytes that networks and rows may take on the device (further members wait
 * in host memory for their turn); 0 for half of the device's memory. */
LS_API ls_status ls_fleet_open(ls_device *device, uint64_t memory, ls_fleet **out, ls_error *err);

/** Adds a network; allowed between any two calls of ls_fleet_run. The options are copied; the data
 * must outlive the fleet. Members with the same data, validation rows, standardisation (of inputs
 * and targets) and class weights share the rows on the device. *index (may be NULL): the member's
 * number, from 0.
 * Errors: those that ls_train reports before it trains; LS_ERR_MEMORY if the network exceeds the
 * fleet's memory. On failure the fleet is unchanged. */
LS_API ls_status ls_fleet_add(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                              size_t *index, ls_error *err);

/** Trains `count` members (members = NULL: all, count is ignored) until each has done `until`
 * epochs in total, or has ended; 0: until each has ended. Can be called again to continue;
 * interruptions change no bit. A member that diverges is not an error of the call. callback may be
 * NULL.
 * Errors: LS_ERR_ARGUMENT for an unknown or removed member; LS_ERR_DEVICE if the device fails;
 * training cannot continue then, but members that had ended keep their models. */
LS_API ls_status ls_fleet_run(ls_fleet *fleet, const size_t *members, size_t count, uint64_t until,
                              ls_fleet_callback callback, void *user, ls_error *err);

/** Number of members added so far, including removed ones. */
LS_API size_t ls_fleet_count(const ls_fleet *fleet);
/** Writes a member's state to *out. Errors: LS_ERR_ARGUMENT for an unknown or removed member. */
LS_API ls_status ls_fleet_member(const ls_fleet *fleet, size_t index, ls_member_info *out,
                                 ls_error *err);

/** Copies a member's model in its present state (with the option "patience", its best weights). For
 * a member in training, this is the model of ls_train stopped at this point by its callback. *out
 * is freed with ls_model_free.
 * Errors: LS_ERR_DIVERGED for a member that diverged; LS_ERR_ARGUMENT for an unknown or removed
 * member; the error of the device if that failed. */
LS_API ls_status ls_fleet_model(ls_fleet *fleet, size_t index, ls_model **out, ls_error *err);

/** Frees a member's memory. Its number is not used again. */
LS_API void ls_fleet_remove(ls_fleet *fleet, size_t index);
LS_API void ls_fleet_close(ls_fleet *fleet);

/* ---- Ensembles ------------------------------------------------------------------------------- */

/** Number of networks in an ensemble as ls_auto makes it; 0 for a model of one network. */
LS_API size_t ls_model_members(const ls_model *model);
/** Network i of an ensemble, which belongs to the model; NULL if there is none. */
LS_API const ls_model *ls_model_member(const ls_model *model, size_t i);
/** How often network i counts in the mean of the ensemble's predictions; 0 if there is none. */
LS_API uint64_t ls_model_member_times(const ls_model *model, size_t i);
/** The temperature that calibrates an ensemble's probabilities: their logits are divided by it; 1
 * for other models. */
LS_API double ls_model_temperature(const ls_model *model);

/** Progress of ls_auto. */
typedef struct {
    size_t struct_size;             /**< set by the library */
    size_t trials;                  /**< all of them; 0 until the pace is measured */
    size_t working, ended, dropped; /**< in training, trained to their end, left out as weak */
    size_t members;                 /**< networks of the ensemble so far */
    double best;          /**< log-loss (classes, labels) or RMSE of the ensemble so far on rows
                             that its networks were not trained on; NaN before there is one */
    double seconds, left; /**< since the start; until the end, estimated (NaN: not known yet) */
} ls_auto_progress;

/** Return non-zero to end with the best ensemble so far. */
typedef int (*ls_auto_callback)(const ls_auto_progress *progress, void *user);

/** How ls_auto works. Zero-initialise for the defaults. */
typedef struct {
    size_t struct_size; /**< sizeof(ls_auto_control), or 0 for the fields of version 0.1 */
    size_t trials;      /**< networks to try; 0: as many as `seconds` allow, or 64 */
    double seconds;     /**< aim for the time; 0: none. The number of trials is chosen once, from a
                           measured pace; the same number gives the same model. */
    size_t folds;       /**< each network is trained that often, each time with another part held
                           out; 1: once, with a fifth held out; 0: 5 below 10 000 rows, else 1 */
    uint64_t seed;      /**< of the draws */
    ls_auto_callback callback; /**< may be NULL */
    void *user;
} ls_auto_control;

/** Trains many networks, drawn from fixed ranges (docs/auto.md), side by side, drops weak ones
 * early, and makes an ensemble of the best, chosen by rows held out of their training, with
 * calibrated probabilities. The model is a function of the data, the number of trials, the folds
 * and the seed. device: as for ls_train. control may be NULL.
 * Errors: those of ls_train; LS_ERR_ARGUMENT for fewer than 20 rows, or a control out of range;
 * LS_ERR_DIVERGED if every network diverged. */
LS_API ls_status ls_auto(ls_device *device, const ls_data *data, const ls_auto_control *control,
                         ls_model **out, ls_error *err);

#ifdef __cplusplus
}
#endif
#endif
