/* SPDX-License-Identifier: MIT */
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include <string.h>

typedef struct {
    const char *theirs; /* words, separated by blanks */
    const char *ours;
    const char *about; /* or NULL */
} word;

/* Where a word has several meanings, the first whose name the command has counts. */
static const word options[] = {
    {"learning-rate learning-rate-init lrate step-size initial-lr init-lr base-lr", "lr", NULL},
    {"batch-size minibatch minibatch-size mini-batch-size bs train-batch-size", "batch", NULL},
    {"early-stopping early-stop early-stopping-rounds early-stopping-patience n-iter-no-change "
     "stopping-rounds early-stopping-epochs",
     "patience", "stop after N epochs without improvement"},
    {"min-delta tol", "tolerance", NULL},
    {"random-state random-seed rng-seed manual-seed rng", "seed", NULL},
    {"n-trials num-trials n-iter num-samples max-trials", "trials", NULL},
    {"n-epochs num-epochs nb-epoch nb-epochs max-epochs max-iter max-iterations n-iter num-iter "
     "iterations iters num-steps max-steps steps n-estimators num-rounds num-boost-round "
     "num-train-epochs",
     "epochs", NULL},
    {"hidden-layer-sizes hidden-layers hidden-sizes hidden-size hidden-units hidden-dim hidden-dims "
     "hidden-width layers layer-sizes units neurons num-hidden n-hidden width widths nodes",
     "hidden", "as in --hidden 32,32"},
    {"act act-fn activation-fn nonlinearity non-linearity", "activation", NULL},
    {"architecture arch topology", "net", NULL},
    {"alpha l2-reg l2-penalty l2-regularization reg reg-lambda lambda regularization "
     "weight-penalty",
     "l2", "penalty on the squares of the weights"},
    {"l1-reg l1-penalty l1-regularization reg-alpha", "l1", NULL},
    {"wd decay", "weight-decay", NULL},
    {"solver opt optim algorithm", "optimizer", NULL},
    {"nesterovs-momentum", "optimizer", "as in --optimizer nesterov"},
    {"criterion loss-fn loss-function objective", "loss", NULL},
    {"dropout-rate drop-rate p-drop", "dropout", NULL},
    {"grad-clip gradient-clip clip-grad clipnorm clip-norm max-grad-norm gradient-clip-val "
     "gradient-clipping",
     "clip", NULL},
    {"lr-schedule lr-scheduler scheduler learning-rate-schedule lr-policy decay-schedule",
     "schedule", NULL},
    {"warmup-epochs warm-up", "warmup", NULL},
    {"kernel-initializer initializer weight-init initialization", "init", NULL},
    {"bn batchnorm batch-normalization", "batch-norm", NULL},
    {"normalize normalise scale scaler standardise standard-scaler scaling", "standardize", NULL},
    {"class-weight scale-pos-weight balanced", "class-weights", NULL},
    {"sample-weight sample-weights weights weight-column weights-column", "weight", NULL},
    {"shuffle no-shuffle", "order", "shuffle or file"},
    {"validation-fraction validation-split validation-size val val-split val-size val-fraction "
     "valid-size valid-split holdout eval-split dev-size",
     "validation", "a share of the training rows"},
    {"test-size test-split test-fraction train-size train-split train-test-split", "split",
     "the share of test rows"},
    {"test-data test-file eval-set eval-data valid-data validation-data test-set", "test", NULL},
    {"cv k-fold kfold k-folds n-splits n-folds cross-validation num-folds nfolds", "folds", NULL},
    {"cv k-fold kfold k-folds n-splits n-folds cross-validation num-folds nfolds folds", "split",
     "for cross-validation: lockstep search DATA --folds 5"},
    {"scoring score metrics eval-metric", "metric", NULL},
    {"label label-column target-column y response dependent class-column outcome y-column "
     "target-name",
     "target", NULL},
    {"features feature-columns x usecols cols use-columns inputs", "columns", NULL},
    {"ignore ignore-columns exclude drop-columns skip-columns exclude-columns", "drop", NULL},
    {"categorical-features cat-features categories categorical-columns cat-cols", "categorical",
     NULL},
    {"sep delimiter delim field-separator", "separator", NULL},
    {"na-values missing-values nan-values na", "missing-mark", NULL},
    {"impute imputer fillna fill-na imputation", "missing", NULL},
    {"nrows n-rows max-rows limit subsample", "sample", NULL},
    {"index-col index row-id key", "id", NULL},
    {"index-col index row-id key", "drop", NULL},
    {"keep-columns passthrough pass-through include", "keep", NULL},
    {"cutoff decision-threshold", "threshold", NULL},
    {"pos-label positive-class", "positive", NULL},
    {"n-jobs jobs num-threads n-threads nthreads nthread workers num-workers thread-count cores",
     "threads", NULL},
    {"gpu gpus cuda use-cuda use-gpu accelerator gpu-id opencl platform", "device",
     "lockstep devices lists them"},
    {"timeout max-time max-seconds time-budget walltime", "time-limit", NULL},
    {"output-dir out-dir outdir run-dir rundir workdir work-dir run-folder experiment-name", "run",
     NULL},
    {"output out outfile out-file output-file output-path outpath model-out model-file save "
     "save-model save-path save-to output-model model dest destination filename output-dir out-dir "
     "outdir",
     "o", NULL},
    {"output out outfile out-file output-file output-path save save-to", "json",
     "to write it to a file: --json > FILE"},
    {"load load-model pretrained init-from finetune fine-tune warm-start init-model base-model "
     "initial-weights resume-from",
     "from", NULL},
    {"checkpoint-dir ckpt ckpt-dir save-dir checkpoints snapshot", "checkpoint", NULL},
    {"log-dir logdir tb tensorboard-dir", "tensorboard", NULL},
    {"log-file logfile history", "log", NULL},
    {"html html-report report-file", "report", NULL},
    {"config-file params cfg conf settings", "config", NULL},
    {"verbose verbosity debug", "v", "also --verbose"},
    {"silent no-progress", "q", "also --quiet"},
    {"as-json json-output format", "json", NULL},
    {"topk top-k n-best", "top", NULL},
    {"path file input input-file train-file training-data dataset train-data data-file", "data",
     NULL},
};

static const word commands[] = {
    {"automl automatic autofit", "auto", NULL},
    {"fit learn training retrain build trainer run finetune fine-tune", "train", NULL},
    {"continue restart", "resume", NULL},
    {"test score eval validate evaluation metrics accuracy assess", "evaluate", NULL},
    {"infer inference apply classify forward predict-proba predict_proba prediction transform serve "
     "regress",
     "predict", NULL},
    {"export convert save dump save-model to-onnx onnx", "show",
     "a model file is safetensors, which other programs read as it is; show lists its contents, and "
     "docs/file-format.md describes them"},
    {"info inspect summary print cat model weights view architecture", "show", NULL},
    {"head profile explore eda stats statistics columns schema analyze analyse summarize",
     "describe", NULL},
    {"cv cross-validate crossval cross-validation cross_val_score kfold", "search",
     "search --folds 5 without ranges is cross-validation of one network"},
    {"grid gridsearch grid-search random-search hyperopt hpo sweep optimize optimise hyperparameters "
     "optuna automl halving",
     "search", NULL},
    {"benchmark bench speed timing", "compare",
     "one network on every exact device: speed and equal weights"},
    {"generate gen synth synthetic dataset data sample toy create", "make", NULL},
    {"check diff cmp reproduce repeat replay same", "verify", NULL},
    {"graph draw visualize visualise viz chart curves", "plot", NULL},
    {"html page dashboard", "report", NULL},
    {"gpus gpu list-devices hardware list platforms clinfo", "devices", NULL},
    {"diagnose selftest self-test troubleshoot debug", "doctor", NULL},
    {"autotune calibrate", "tune", NULL},
    {"paper papers experiments", "experiment", NULL},
};

/* Values, with the options that have them. */
static const struct {
    const char *option; /* options, separated by blanks */
    word word;
} values[] = {
    {"net", {"fc linear fully-connected fullyconnected full", "dense", NULL}},
    {"activation net", {"swish sil", "silu", NULL}},
    {"activation net output", {"logistic sigm expit", "sigmoid", NULL}},
    {"activation net output", {"linear none no raw", "identity", NULL}},
    {"activation net", {"leakyrelu lrelu leaky prelu", "leaky_relu", NULL}},
    {"activation net", {"selu celu", "elu", NULL}},
    {"activation net", {"rectifier rectified", "relu", NULL}},
    {"activation net", {"hyperbolic-tangent th hardtanh", "tanh", NULL}},
    {"net", {"conv2d conv1d convolution convolutional", "conv", NULL}},
    {"net", {"depthwiseconv2d depthwise-conv dwconv", "depthwise", NULL}},
    {"net", {"maxpool2d max-pool maxpooling2d maxpooling max-pooling pool", "maxpool", NULL}},
    {"net",
     {"avgpool2d avg-pool averagepooling2d avgpooling average-pool meanpool", "avgpool", NULL}},
    {"net", {"gap globalavgpool globalaveragepooling2d adaptiveavgpool2d", "globalpool", NULL}},
    {"net", {"batchnorm2d batchnormalization batch-norm bn batchnorm1d", "batchnorm", NULL}},
    {"net", {"reshape ravel", "flatten", NULL}},
    {"net", {"resblock res skip shortcut", "residual", NULL}},
    {"loss", {"binary-crossentropy binary-cross-entropy bcewithlogits logistic", "bce", NULL}},
    {"loss",
     {"cross-entropy crossentropy categorical-crossentropy sparse-categorical-crossentropy nll "
      "softmax log-loss logloss multiclass",
      "ce", NULL}},
    {"loss", {"squared-error mean-squared-error l2 squared quadratic sse rmse", "mse", NULL}},
    {"loss", {"absolute-error mean-absolute-error l1 absolute", "mae", NULL}},
    {"loss", {"smooth-l1 smoothl1 huber-loss", "huber", NULL}},
    {"optimizer", {"nag nesterovs-momentum", "nesterov", NULL}},
    {"optimizer", {"gradient-descent batch-gd full-batch", "gd", NULL}},
    {"optimizer", {"stochastic stochastic-gradient-descent sgdm", "sgd", NULL}},
    {"optimizer",
     {"adagrad adadelta adamax amsgrad nadam radam lion lamb lbfgs l-bfgs", "adam", NULL}},
    {"schedule", {"none fixed off flat", "constant", NULL}},
    {"schedule", {"adaptive reducelronplateau reduce-on-plateau reduce", "plateau", NULL}},
    {"schedule", {"exponential steplr multistep invscaling exp", "step", NULL}},
    {"schedule",
     {"cosineannealing cosine-annealing cosineannealinglr cos onecycle linear", "cosine", NULL}},
    {"init", {"glorot glorot-uniform xavier-uniform", "xavier", NULL}},
    {"init", {"glorot-normal", "xavier_normal", NULL}},
    {"init", {"kaiming kaiming-uniform he-uniform", "he", NULL}},
    {"init", {"kaiming-normal", "he_normal", NULL}},
    {"init", {"lecun-uniform", "lecun", NULL}},
    {"init", {"zero none", "zeros", NULL}},
    {"order", {"random yes true on", "shuffle", NULL}},
    {"order", {"none no false off sequential fixed", "file", NULL}},
    {"task",
     {"classifier classes class binary multiclass categorical discrete", "classification", NULL}},
    {"task", {"regressor numbers numeric continuous number real", "regression", NULL}},
    {"missing", {"mode most-common", "most-frequent", NULL}},
    {"missing", {"average impute fill", "mean", NULL}},
    {"missing", {"skip remove delete omit dropna", "drop", NULL}},
    {"missing", {"refuse fail raise", "error", NULL}},
    {"header", {"true on 1 first 0", "yes", NULL}},
    {"header", {"false off none", "no", NULL}},
    {"metric", {"acc", "accuracy", NULL}},
    {"metric", {"f1-macro macrof1", "macro_f1", NULL}},
    {"metric", {"logloss neg-log-loss crossentropy cross-entropy", "log_loss", NULL}},
    {"metric", {"r-squared r2-score", "r2", NULL}},
    {"metric", {"neg-root-mean-squared-error root-mean-squared-error mse", "rmse", NULL}},
    {"metric", {"neg-mean-absolute-error mean-absolute-error", "mae", NULL}},
    {"metric", {"roc rocauc auroc roc-auc", "auc", NULL}},
    {"strategy", {"exhaustive gridsearch grid-search", "grid", NULL}},
    {"strategy", {"randomized randomised random-search", "random", NULL}},
    {"strategy", {"successive-halving hyperband asha", "halving", NULL}},
    {"plot", {"learning-curve history training losses convergence", "loss", NULL}},
    {"plot", {"decision-boundary regions decision-regions surface", "boundary", NULL}},
    {"plot", {"confusion-matrix matrix cm", "confusion", NULL}},
    {"plot", {"roc-curve roc-auc auc", "roc", NULL}},
    {"plot", {"pr pr-curve precision recall prc", "precision-recall", NULL}},
    {"plot", {"reliability calibration-curve", "calibration", NULL}},
    {"plot", {"hist distribution probabilities scores", "histogram", NULL}},
    {"plot", {"classes class-balance counts", "balance", NULL}},
    {"plot", {"parity scatter predictions actual", "predicted", NULL}},
    {"plot", {"weights network net filters", "layers", NULL}},
    {"plot", {"fit regression", "curve", NULL}},
    {"generator", {"make-moons two-moons", "moons", NULL}},
    {"generator", {"make-circles", "circles", NULL}},
    {"generator", {"make-blobs gaussians", "blobs", NULL}},
    {"generator", {"make-classification", "classification", NULL}},
    {"generator", {"make-regression regression", "linear-regression", NULL}},
    {"generator", {"make-friedman1 friedman", "friedman1", NULL}},
    {"generator", {"spiral two-spirals", "spirals", NULL}},
    {"generator", {"sin sinus", "sine", NULL}},
    {"on-nan", {"abort error raise", "stop", NULL}},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* "_" and blanks as "-", lower case. */
static char plain(char c)
{
    if (c == '_' || c == ' ') return '-';
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Whether a blank-separated list has the word. */
static bool has_word(const char *list, const char *text)
{
    while (*list) {
        size_t n = strcspn(list, " "), i = 0;
        while (i < n && text[i] && plain(text[i]) == list[i]) i++;
        if (i == n && !text[i]) return true;
        list += n;
        list += strspn(list, " ");
    }
    return false;
}

static const char *find(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name)) return names[i];
    return NULL;
}

/* A name that is only written in another way: "batch_norm", "Weight_Decay". */
static const char *find_spelled(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (text[k] && plain(text[k]) == plain(names[i][k])) k++;
        if (!text[k] && !names[i][k]) return names[i];
    }
    return NULL;
}

static ls_hint hint_of(const word *list, size_t rows, const char *text, const char *const *names,
                       size_t count)
{
    const char *spelled = find_spelled(text, names, count);
    if (spelled) return (ls_hint){.name = spelled};
    for (size_t i = 0; i < rows; i++) {
        const char *name = has_word(list[i].theirs, text) ? find(list[i].ours, names, count) : NULL;
        if (name) return (ls_hint){name, list[i].about};
    }
    const char *near = ls_nearest(text, names, count);
    return (ls_hint){.name = near && near[1] ? near : NULL}; /* letters are near to each other */
}

ls_hint ls_option_hint(const char *text, const char *const *names, size_t count)
{
    return hint_of(options, COUNT(options), text, names, count);
}

ls_hint ls_command_hint(const char *text, const char *const *names, size_t count)
{
    return hint_of(commands, COUNT(commands), text, names, count);
}

const char *ls_value_hint(const char *option, const char *text, const char *const *names,
                          size_t count)
{
    const char *spelled = find_spelled(text, names, count);
    for (size_t i = 0; i < COUNT(values) && !spelled; i++)
        if (has_word(values[i].option, option) && has_word(values[i].word.theirs, text))
            spelled = find(values[i].word.ours, names, count);
    return spelled ? spelled : ls_nearest(text, names, count);
}
