/* SPDX-License-Identifier: MIT */
/**
 * @file lockstep.h
 * Lockstep: train neural networks with the same result, bit for bit, on CPUs and on any exact
 * OpenCL device.
 *
 * Conventions
 * - Matrices are row-major float32. A data set is rows × features; a batch of probabilities is rows
 * × outputs.
 * - Every call that can fail returns an ls_status and, where `err` is not NULL, leaves a sentence
 * in it that says what went wrong, where, and what to do. On failure, outputs are left untouched.
 * - The library keeps no global state (but for noting that the OpenCL drivers were found to start),
 * never prints and never exits. Objects may be used from several threads as long as no two threads
 * use the same ls_device, or change the same object, at the same time.
 * - Whoever creates an object frees it with its `_free` or `_close`; all of these accept NULL.
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

/** Result of a call. The values are stable. */
typedef enum {
    LS_OK = 0,
    LS_ERR_ARGUMENT = 1, /**< a bad option, name, value or shape */
    LS_ERR_DATA = 2,     /**< a data or model file that is malformed or does not fit */
    LS_ERR_IO = 3,       /**< a file that cannot be opened, read or written */
    LS_ERR_MEMORY = 4,   /**< not enough memory, or a size that does not fit the machine */
    LS_ERR_DEVICE = 5,   /**< a device that is missing, not exact, or failed */
    LS_ERR_DIVERGED = 6, /**< training met a NaN or an infinity */
    LS_ERR_UNSUPPORTED =
        7 /**< this build lacks the feature (for instance model files without jansson) */
} ls_status;

/** Where a failing call leaves its message. May be left uninitialised; pass NULL if it does not
 * matter. */
typedef struct {
    ls_status status;
    char message[1024];
} ls_error;

/** Version of the library in use, "0.1.0". */
LS_API const char *ls_version(void);

/** One word for a status, "argument" for LS_ERR_ARGUMENT and so on. */
LS_API const char *ls_status_name(ls_status status);

/* ---- Options: everything that, with the data, determines the model --------------------------- */

typedef struct ls_options ls_options;

/** What an option is called, what it takes, its default and one line of help. Strings are static.
 */
typedef struct {
    const char *name;     /**< as on the command line, without the dashes: "batch-norm" */
    const char *argument; /**< what it takes ("RATE"), or NULL for a flag ("on" or "off") */
    const char *initial;  /**< default value as text */
    const char *help;
} ls_option_info;

/** A set of options, all at their defaults. */
LS_API ls_status ls_options_create(ls_options **out, ls_error *err);
LS_API void ls_options_free(ls_options *options);

/** Sets an option from text, for instance ("hidden", "20,20"), ("lr", "0.01"), ("batch-norm",
 * "on"). Errors: LS_ERR_ARGUMENT for an unknown name (the nearest one is suggested) or a value out
 * of range. */
LS_API ls_status ls_options_set(ls_options *options, const char *name, const char *value,
                                ls_error *err);

/** Value of an option as text, or NULL for an unknown name. Valid until the option is set again. */
LS_API const char *ls_options_get(const ls_options *options, const char *name);

/** Number of options, and the i-th of them (NULL past the end). */
LS_API size_t ls_option_count(void);
LS_API const ls_option_info *ls_option_at(size_t i);

/* ---- Data ------------------------------------------------------------------------------------ */

typedef struct ls_data ls_data;

/** How to read a CSV file. Zero-initialise for the defaults. */
typedef struct {
    const char *target; /**< name or 0-based index of the class column; NULL: the last column */
    const char *const *class_names; /**< known classes, in order (as a model has them); NULL: taken
                                       from the file */
    size_t classes;                 /**< number of class_names */
    size_t features; /**< expected number of features, 0: any. With it, a file of exactly that many
                          columns and no target is accepted as rows without classes */
} ls_csv_options;

/** How to generate a data set. Zero rows, classes and features and a negative noise or overlap
 * stand for the generator's defaults. */
typedef struct {
    size_t rows;     /**< number of rows */
    double noise;    /**< standard deviation of the noise; negative: default */
    double overlap;  /**< spread of the two blobs of "overlap"; negative: default */
    size_t classes;  /**< number of classes, where the generator has a choice */
    size_t features; /**< number of features, where the generator has a choice */
    uint64_t seed;
} ls_generate_options;

/** Copies arrays. x: rows × features. y: rows class numbers in [0, classes), or NULL for rows
 * without classes. Errors: LS_ERR_ARGUMENT for empty shapes, a class out of range or a non-finite
 * value; LS_ERR_MEMORY. */
LS_API ls_status ls_data_from_arrays(const float *x, const int32_t *y, size_t rows, size_t features,
                                     size_t classes, ls_data **out, ls_error *err);

/** Reads a CSV file of numbers without gaps: header or none, comma, semicolon or tab, quoted
 * fields, text classes. Errors name file, line and column. `options` may be NULL. */
LS_API ls_status ls_data_read_csv(const char *path, const ls_csv_options *options, ls_data **out,
                                  ls_error *err);

typedef struct ls_model ls_model;

/** Told now and then which share of a large file has been read. */
typedef void (*ls_read_callback)(double share, void *user);

/** How to read a file of rows. Zero-initialise for the defaults. */
typedef struct {
    const char *target;  /**< name or 0-based index of the class column; NULL: the last column */
    const char *labels;  /**< IDX and NPY: the file that has the classes; NULL: IDX: the one that
                            usually lies beside it, NPY: the  last column is the class */
    const char *columns; /**< use only these columns: names or 0-based indices, separated by commas;
                            NULL: all */
    const char *drop;    /**< all but these */
    const char *categorical; /**< these have categories although they look like numbers */
    const char *missing;   /**< what becomes of missing values: "mean" (the default: of the training
                              rows; categories count as   other), "median", "most-frequent", "drop"
                              (the   row, in training) or "error" */
    const ls_model *model; /**< rows for this model: its features and classes are expected; classes
                              may be missing */
    const ls_data *like;   /**< or rows like these, as those to test on are */
    ls_read_callback callback; /**< may be NULL */
    void *user;
} ls_read_options;

/** Reads a file of rows, unpacked or gzip, whatever it is called: CSV, IDX (as MNIST is published)
 * or NPY (as numpy.save writes it: float32, float64 or integers, C order). Columns of CSV are
 *  numbers or categories by what is in them. Errors name file, line and column. `options` may be
 * NULL. */
LS_API ls_status ls_data_read(const char *path, const ls_read_options *options, ls_data **out,
                              ls_error *err);

/** Generates one of the named data sets; `options` may be NULL. The same bits on every machine. */
LS_API ls_status ls_data_generate(const char *name, const ls_generate_options *options,
                                  ls_data **out, ls_error *err);

/** Name of the i-th generator and one line about it; NULL past the end. `about` may be NULL. */
LS_API const char *ls_generator_at(size_t i, const char **about);

/** Writes rows as CSV with a header, whole or not at all; path "-" is standard output. */
LS_API ls_status ls_data_write_csv(const ls_data *data, const char *path, ls_error *err);

/** Splits rows, stratified by class and shuffled by the seed, into a second part of about
 * `fraction` of each class (0 < fraction < 1) and the rest. Errors: LS_ERR_ARGUMENT if either part
 * would be empty. */
LS_API ls_status ls_data_split(const ls_data *data, double fraction, uint64_t seed, ls_data **rest,
                               ls_data **part, ls_error *err);

LS_API size_t ls_data_rows(const ls_data *data);
LS_API size_t ls_data_features(const ls_data *data);
LS_API size_t ls_data_classes(const ls_data *data); /**< 0: rows without classes */
LS_API size_t ls_data_columns(
    const ls_data *data); /**< columns beside the class; more features where some have categories */
LS_API const float *ls_data_x(const ls_data *data); /**< rows × columns: a number, or the number of
                                                       a category; NaN: missing */
LS_API const int32_t *ls_data_y(const ls_data *data); /**< rows class numbers, or NULL */
LS_API size_t ls_data_row_number(
    const ls_data *data,
    size_t i); /**< of row i in what was read, from 0: splitting and dropping keep it */
LS_API const char *ls_data_class_name(const ls_data *data, size_t i);
LS_API const char *ls_data_feature_name(const ls_data *data, size_t i);
LS_API const char *ls_data_target_name(const ls_data *data);
LS_API size_t
ls_data_dropped(const ls_data *data); /**< rows that "drop" took away when they were read */

/** A column, as `lockstep describe` shows it. Figures are of the values that are there, NaN where
 * there are none. */
typedef struct {
    const char *name;
    size_t place; /**< in its file, from 0 */
    int categorical;
    size_t missing; /**< rows without a value */
    size_t categories;
    double least, most, mean, deviation;
} ls_column_info;
LS_API ls_status ls_data_column(const ls_data *data, size_t i, ls_column_info *out, ls_error *err);
/** Name of a column's k-th category and how many rows have it (may be NULL); NULL past the end. */
LS_API const char *ls_data_category(const ls_data *data, size_t column, size_t k, size_t *rows);
LS_API void ls_data_free(ls_data *data);

/* ---- Devices --------------------------------------------------------------------------------- */

typedef struct ls_device ls_device;

/** One device, as `lockstep devices` lists it. */
typedef struct {
    int index;     /**< what `--device INDEX` takes; 0 is the CPU path */
    char kind[16]; /**< "cpu path", "gpu", "cpu", "accelerator" */
    char name[128];
    char vendor[128];
    char driver[128];
    char platform[128];
    uint64_t memory;  /**< bytes */
    int exact;        /**< 1: trains to the CPU path's bits; 0: approximate, see reason */
    char reason[256]; /**< why it is not exact, or "" */
} ls_device_info;

/** Lists the CPU path and every OpenCL device; *list is freed with ls_devices_free. Devices not met
 * before are checked (a second or so), and the result is remembered in the user's cache folder.
 *  `note` (may be NULL, at least 256 bytes) receives why no OpenCL device is there, or "". */
LS_API ls_status ls_devices_list(ls_device_info **list, size_t *count, char note[256],
                                 ls_error *err);
LS_API void ls_devices_free(ls_device_info *list);

/** Opens a device: "cpu", "auto", an index, or part of a name. threads: of the CPU path; 0 for as
 * many as prove fastest. "auto" begins on the CPU path. Trainings that will take more than some
 * seconds then spend some tens of milliseconds on each exact device (and, with 0 threads, on other
 * numbers of threads), and stay on the fastest: which one it is changes no bit. Nothing is chosen
 * for prediction, which is done on what the last training chose. See ls_device_timings. Errors:
 * LS_ERR_DEVICE if there is none, it is ambiguous, or it is approximate and that was not allowed.
 */
LS_API ls_status ls_device_open(const char *spec, unsigned threads, int allow_approximate,
                                ls_device **out, ls_error *err);
/** What is known of a device; where it may be chosen, of the one in use at present. */
LS_API const ls_device_info *ls_device_get_info(const ls_device *device);

/** A candidate of a device that is chosen by measuring, and how it did. */
typedef struct {
    char name[128]; /**< as in ls_device_info */
    double speed;   /**< steps a second, of all networks at work together; 0: not measured */
    int chosen;     /**< 1: it was the fastest */
    char note[256]; /**< why it was not measured, or "" */
} ls_device_timing;

/** Writes the first `most` candidates that were tried to list and returns how many there are; 0
 * where there was nothing to choose, or the trainings were too short for it. */
LS_API size_t ls_device_timings(const ls_device *device, ls_device_timing *list, size_t most);
LS_API void ls_device_close(ls_device *device);

/** Told of each candidate that the tuner has measured: which class of product, the candidate, its
 * speed in FLOP/s (0 where it was refused, because its bits are wrong or it does not run), and the
 * best so far. Return non-zero to stop. */
typedef struct {
    const char *product;
    const char *tile;
    double flops, best;
    unsigned done, total;
} ls_tune_progress;
typedef int (*ls_tune_callback)(const ls_tune_progress *progress, void *user);

/** Measures which tiles suit an OpenCL device best and keeps the choice in the user's cache folder,
 * for this device, driver and version; later runs use it. Choosing never changes a bit. path
 * receives the file (may be NULL, at least 700 bytes). Errors: LS_ERR_ARGUMENT for the CPU path,
 * which has nothing to tune. */
LS_API ls_status ls_device_tune(ls_device *device, ls_tune_callback callback, void *user,
                                char *path, ls_error *err);

/* ---- Training -------------------------------------------------------------------------------- */

/** What a callback is told after each epoch. */
typedef struct {
    uint64_t epoch;             /**< epochs done, from 1 */
    uint64_t epochs;            /**< epochs asked for */
    uint64_t steps;             /**< optimizer steps done */
    double loss;                /**< mean training loss over the epoch, before each step's update */
    double validation_loss;     /**< NaN where no rows are held out for validation */
    double validation_accuracy; /**< share of those rows given their class, without regard to a
                                   threshold; NaN where there are none */
    double seconds;             /**< training time so far */
    double learning_rate;
} ls_progress;

/** Called after every epoch, in order. Return non-zero to stop: the model is then that of this
 * epoch. */
typedef int (*ls_epoch_callback)(const ls_progress *progress, void *user);

/** Trains a network. device: NULL for the CPU path on one thread. callback may be NULL.
 *  Errors: LS_ERR_ARGUMENT (options that do not fit together or the data), LS_ERR_DIVERGED (the
 * message names the first layer and step), LS_ERR_DEVICE, LS_ERR_MEMORY. */
LS_API ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data,
                          ls_epoch_callback callback, void *user, ls_model **out, ls_error *err);

/* ---- Models ---------------------------------------------------------------------------------- */

/** Where a threshold comes from. The values are stable. */
typedef enum {
    LS_THRESHOLD_DEFAULT = 0, /**< none was set: the largest output decides, a single one at 0.5 */
    LS_THRESHOLD_GIVEN = 1,   /**< a number that was asked for */
    LS_THRESHOLD_VALIDATION =
        2,                     /**< the best F1 on the rows that training held out for validation */
    LS_THRESHOLD_TRAINING = 3, /**< the best F1 on the rows of the training, none being held out */
    LS_THRESHOLD_DATA =
        4 /**< the best F1 on the very rows that are judged: figures at it flatter */
} ls_threshold_source;

/** How outputs become a class. A class's score is its output; where there is a single output x, x
 * for class 1 and 1 - x for class 0. */
typedef struct {
    size_t positive; /**< of two classes, the one that the threshold is about */
    float threshold; /**< a row is of this class where its score is at least this; NaN: the class
                        with the largest output */
    ls_threshold_source source;
} ls_decision;

enum { LS_CALIBRATION_BINS = 10 };

/** Rows whose score lies in (i/10, (i + 1)/10], the first bin with 0. */
typedef struct {
    uint64_t rows;
    double score; /**< their mean score; NaN where there are none */
    double share; /**< share of them for which it was right; NaN where there are none */
} ls_calibration_bin;

/** Figures of a model on data; docs/metrics.md has their formulas and sources. Precision, recall
 * and F1 are the positive class's (the second unless another was asked for) for two classes, and
 * the macro average otherwise. A 0/0 is reported as 0. */
typedef struct {
    size_t rows, classes;
    size_t positive; /**< of two classes, the one that precision, recall, f1 and calibration are
                        about */
    ls_decision decision; /**< how rows were given their class */
    double loss;          /**< mean over rows, class weights not applied */
    double loss_sum;      /**< sum over rows */
    double accuracy, precision, recall, f1;
    double auc; /**< area under the ROC curve; for several classes the mean over them, each against
                   the rest. NaN where a class has no row, or all of them */
    unsigned undefined; /**< how many of accuracy, precision, recall, f1 and auc were 0/0 */
    double macro_precision, macro_recall, macro_f1; /**< means over the classes */
    double weighted_precision, weighted_recall,
        weighted_f1; /**< means weighted by the classes' rows */
    double log_loss; /**< mean of -log p of the true class, p clipped to float32's epsilon. This and
                        what follows: NaN where the outputs are no probabilities (identity; sigmoid
                        with several outputs) */
    double brier;    /**< mean squared difference to 0/1: for two classes of the positive class's
                        probability, 0 to 1; for more    summed over the classes, 0 to 2 */
    double calibration_error; /**< mean of |share - score| over the bins, weighted by their rows */
    ls_calibration_bin
        calibration[LS_CALIBRATION_BINS]; /**< two classes: score of the positive class, share of
                       rows that are of it; more: score of the most likely class, share of rows
                       where that is right. No rows: see log_loss */
    uint64_t *confusion;                  /**< classes × classes, [true × predicted] */
    double *class_precision, *class_recall, *class_f1; /**< one a class */
    uint64_t *class_support;                           /**< rows of each class */
} ls_metrics;

LS_API void ls_metrics_free(ls_metrics *metrics);

LS_API size_t ls_model_features(
    const ls_model *model); /**< inputs of the network, as ls_data_features has them */
LS_API size_t ls_model_outputs(const ls_model *model); /**< columns that ls_model_predict writes */
LS_API size_t ls_model_classes(const ls_model *model);
LS_API const char *ls_model_class_name(const ls_model *model, size_t i);
LS_API const char *ls_model_feature_name(const ls_model *model, size_t i);

/** Network outputs for rows × features inputs (rows × columns as ls_data_x has them where the model
 * was trained on categories or gaps; ls_model_predict_data is easier then): probabilities (or raw
 * values for identity outputs), rows × outputs. Preprocessing kept in the model is applied. device:
 * NULL for the CPU path. */
LS_API ls_status ls_model_predict(const ls_model *model, ls_device *device, const float *x,
                                  size_t rows, float *out, ls_error *err);

/** The same of rows as they were read (with ls_read_options.model, if they may lack columns or
 * classes); categories go by name. */
LS_API ls_status ls_model_predict_data(const ls_model *model, ls_device *device,
                                       const ls_data *data, float *out, ls_error *err);

/** What the network sees of rows, rows × features: categories as 0 and 1, gaps filled, numbers
 * standardised. */
LS_API ls_status ls_model_inputs(const ls_model *model, const ls_data *data, float *out,
                                 ls_error *err);

/** Outputs for such inputs (ls_model_predict without the preprocessing): out is rows × outputs. */
LS_API ls_status ls_model_predict_inputs(const ls_model *model, ls_device *device,
                                         const float *inputs, size_t rows, float *out,
                                         ls_error *err);

/** What to call found, and from which score on; for two classes. Zero-initialise for what the model
 * has: by default the second class, and the larger of two outputs. */
typedef struct {
    const char *positive;  /**< name, or 0-based number, of the positive class */
    const char *threshold; /**< a number ("0.3"), or "best-f1": the score with the best F1 as a
                              threshold; of equally good ones the lowest */
} ls_threshold_options;

/** Class of one row of outputs, by the model's decision: without a threshold the largest, or for a
 * single output whether it reaches 0.5. */
LS_API size_t ls_model_decide(const ls_model *model, const float *outputs);

/** How the model decides. */
LS_API ls_decision ls_model_decision(const ls_model *model);

/** Sets how a model of two classes decides from here on; its file keeps it. "best-f1" is chosen on
 * the rows that its options held out of `data` for validation, or on all of it where they held out
 * none: give the rows it was trained on. device and data may be NULL for a number. Errors:
 * LS_ERR_ARGUMENT (more than two classes, no such class, no such number), LS_ERR_DATA (no row of
 * the positive class). */
LS_API ls_status ls_model_set_threshold(ls_model *model, ls_device *device, const ls_data *data,
                                        const ls_threshold_options *options, ls_error *err);

/** Figures on data that has classes. *out is freed with ls_metrics_free. */
LS_API ls_status ls_model_evaluate(const ls_model *model, ls_device *device, const ls_data *data,
                                   ls_metrics **out, ls_error *err);

/** The same with another positive class or threshold; the model stays as it is. "best-f1" is chosen
 * on this very data. options may be NULL. */
LS_API ls_status ls_model_evaluate_with(const ls_model *model, ls_device *device,
                                        const ls_data *data, const ls_threshold_options *options,
                                        ls_metrics **out, ls_error *err);

/** One layer of a trained network, looked at with rows of data. Norms are Euclidean, over the
 * layer's weights and biases (with batch normalisation gamma and beta). */
typedef struct {
    size_t inputs, units;
    const char
        *activation; /**< "relu"; of the last layer what makes its outputs: "softmax". Static */
    double weight_norm;
    double gradient_norm;   /**< of the mean loss over the rows, class weights and penalties not
                               applied */
    double mean, deviation; /**< of the activations, over rows and units; before dropout and the sum
                               of a residual block */
    double saturated;       /**< share of activations where the function is flat or nearly so, see
                               docs/report.md; NaN for identity */
    size_t dead;            /**< units whose activation is so on every row; 0 for the last layer */
} ls_layer_info;

/** Number of layers, the output layer among them. */
LS_API size_t ls_model_layer_count(const ls_model *model);

/** Looks at every layer with one step over rows of the data, at most some 2000 of them, evenly
 * taken: forward and backward at the model's weights, without dropout; batch normalisation takes
 * these rows' statistics, as in training. out: ls_model_layer_count. *rows (may be NULL): how many
 * rows were taken. The same figures on every exact device. Errors: as ls_model_evaluate. */
LS_API ls_status ls_model_layers(const ls_model *model, ls_device *device, const ls_data *data,
                                 ls_layer_info *out, size_t *rows, ls_error *err);

/** Model files are safetensors. Saving writes the whole file or leaves what was there. */
LS_API ls_status ls_model_save(const ls_model *model, const char *path, ls_error *err);
LS_API ls_status ls_model_load(const char *path, ls_model **out, ls_error *err);

/** SHA-256, as 64 hexadecimal digits, of the parameters in file order as float32 little-endian. */
LS_API void ls_model_weights_sha256(const ls_model *model, char hex[65]);

/** SHA-256 of the model file as ls_model_save writes it. */
LS_API ls_status ls_model_sha256(const ls_model *model, char hex[65], ls_error *err);

/** Training history: loss (and validation loss and accuracy, NaN where there are none) an epoch,
 * thinned to at most 1000 points. */
typedef struct {
    uint64_t epoch;
    float loss, validation_loss, validation_accuracy;
} ls_history_point;
LS_API const ls_history_point *ls_model_history(const ls_model *model, size_t *count);

/** How training went. */
typedef struct {
    uint64_t epochs, steps, parameters,
        best_epoch;      /**< best_epoch: the epoch whose weights are kept */
    double seconds;      /**< training alone; 0 in a loaded model */
    double loss;         /**< training loss of the last epoch run */
    const char *stopped; /**< "epochs", "tolerance", "patience", "time", "callback" */
} ls_summary;
LS_API void ls_model_summary(const ls_model *model, ls_summary *out);

/** Value of an option the model was trained with, as text; NULL for an unknown name. Valid as long
 * as the model. */
LS_API const char *ls_model_option(const ls_model *model, const char *name);

LS_API void ls_model_free(ls_model *model);

/* ---- Fleets: many networks trained side by side ---------------------------------------------- */

/** Networks in training on one device, as different as you like. Each ends with the bits that
 * ls_train would have given it. */
typedef struct ls_fleet ls_fleet;

typedef enum {
    LS_MEMBER_TRAINING, /**< there are epochs left */
    LS_MEMBER_DONE,     /**< it ended by itself, see `stopped` */
    LS_MEMBER_DIVERGED  /**< see `message` */
} ls_member_state;

/** How a member stands. */
typedef struct {
    ls_member_state state;
    uint64_t epochs, steps; /**< done so far */
    uint64_t best_epoch;    /**< the epoch whose weights its model has */
    uint64_t parameters;
    double loss;            /**< training loss of the last epoch; NaN before the first */
    double validation_loss; /**< NaN where there is none */
    double seconds;         /**< its share of the time the device worked */
    const char *stopped; /**< "epochs", "tolerance", "patience", "time", or NULL while it trains */
    const char *message; /**< what diverged, or NULL; valid until the member is removed */
} ls_member_info;

/** What a callback is told of a whole fleet. */
typedef struct {
    size_t members, training, done, diverged; /**< members: all that are not removed */
    size_t waiting; /**< of this call's members, those that are not on the device at present for
                       want of memory */
    uint64_t steps; /**< of all members, in this call */
    double seconds; /**< of this call */
} ls_fleet_progress;

/** Called some ten times a second, and at the end. Return non-zero to stop where all members are.
 */
typedef int (*ls_fleet_callback)(const ls_fleet_progress *progress, void *user);

/** An empty fleet. device: as for ls_train; it must outlive the fleet. memory: bytes that networks
 * and rows may take on the device at most (members beyond it wait their turn in host memory); 0:
 * half of what the device has. */
LS_API ls_status ls_fleet_open(ls_device *device, uint64_t memory, ls_fleet **out, ls_error *err);

/** Adds a network, at any time between calls of ls_fleet_run. The options are copied; the data must
 * outlive the fleet. Members over the same data, held-out rows, standardisation and class weights
 * share its rows on the device. *index (may be NULL): its number, from 0. Errors: as ls_train has
 * them before it trains; the fleet is then as it was. */
LS_API ls_status ls_fleet_add(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                              size_t *index, ls_error *err);

/** Trains members (NULL: all) until each has done `until` epochs (0: until each ends by itself).
 * May be called again to go on: stopping on the way changes no bit. A member that diverges is no
 * error of the call; after a failing device nothing can go on, but members that had ended keep
 * their models. callback may be NULL. */
LS_API ls_status ls_fleet_run(ls_fleet *fleet, const size_t *members, size_t count, uint64_t until,
                              ls_fleet_callback callback, void *user, ls_error *err);

/** How many members have been added, removed ones among them. */
LS_API size_t ls_fleet_count(const ls_fleet *fleet);
LS_API ls_status ls_fleet_member(const ls_fleet *fleet, size_t index, ls_member_info *out,
                                 ls_error *err);

/** A member's model as it stands (its best weights where patience keeps them): while it trains,
 * that of ls_train stopped there by its callback. Freed with ls_model_free. Errors: LS_ERR_DIVERGED
 * if it diverged. */
LS_API ls_status ls_fleet_model(ls_fleet *fleet, size_t index, ls_model **out, ls_error *err);

/** Frees a member's memory; its number is not used again. */
LS_API void ls_fleet_remove(ls_fleet *fleet, size_t index);
LS_API void ls_fleet_close(ls_fleet *fleet);

#ifdef __cplusplus
}
#endif
#endif
