/* SPDX-License-Identifier: MIT */
/* Wrong command lines and inputs: one line on stderr that names the cause, and the exit status. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <string.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(mistakes, .init = enter, .fini = leave, .timeout = 300);

static void make_csv(const char *path, const char *text)
{
    runs_file_write(path, text, strlen(text));
}

static const program_mistake usage[] = {
    {"trian moons", 2, "trian 'train'"},
    {"xyzzy", 2, "xyzzy --help"},
    {"--vresion", 2, "--vresion"},
    {"train moons --hiden 3", 2, "--hiden --hidden"},
    {"train moons --checkpoint c --keep 1", 2, "--keep"},
    {"train moons --checkpoint c --every 0", 2, "--every"},
    {"train moons --every 5", 2, "--every --checkpoint"},
    {"train moons --data-shards", 2, "--data-shards make"},
    {"train - --data-shards", 2, "--data-shards standard"},
    {"train moons --verify 3 --on-nan rollback -q", 2, "--verify --on-nan"},
    {"train moons --refit", 2, "--refit --from"},
    {"train moons --no-batchnorm", 2, "--no-batch-norm"},
    {"train moons --batch-norm --batch 1 -q", 2, "--batch-norm --batch 2"},
    {"train moons --rows 40 --batch-norm --batch 13 -q", 2,
     "--batch 13 40 training rows --batch 14"},
    {"train moons --rows 50 --batch-norm --batch 43 --validation 0.1 -q", 2, "44 training rows"},
    {"train moons --frobnicate", 2, "--frobnicate --help"},
    {"train moons --frobnicate=7", 2, "--frobnicate"},
    {"train moons -z", 2, "-z"},
    {"train moons --optimizer adamm", 2, "--optimizer adamm 'adam'"},
    {"train moons --activation relu,tahn", 2, "--activation tahn 'tanh'"},
    {"train moons --loss entropy", 2, "--loss entropy bce"},
    {"train moons --hidden", 2, "--hidden"},
    {"train moons -o", 2, "-o"},
    {"train moons --hidden 0", 2, "--hidden 0 none"},
    {"train moons --hidden 4,,4", 2, "--hidden"},
    {"train moons --hidden 4,4,", 2, "--hidden"},
    {"train moons --hidden -3", 2, "--hidden -3"},
    {"train moons --hidden 1e9", 2, "--hidden 1000000"},
    {"train moons --hidden 2.5", 2, "--hidden 2.5"},
    {"train moons --lr fast", 2, "--lr fast"},
    {"train moons --lr -1", 2, "--lr -1"},
    {"train moons --lr nan", 2, "--lr nan"},
    {"train moons --lr 1e-400000x", 2, "--lr"},
    {"train moons --dropout 1", 2, "--dropout 0.99"},
    {"train moons --epochs 0", 2, "--epochs 0"},
    {"train moons --epochs 1e30", 2, "--epochs 1e30"},
    {"train moons --epochs 18446744073709551616", 2, "--epochs"},
    {"train moons --batch 0", 2, "--batch"},
    {"train moons --seed -1", 2, "--seed"},
    {"train moons --validation 1", 2, "--validation"},
    {"train moons --batch-norm=maybe", 2, "--batch-norm"},
    {"train moons --class-weights 1,2,3 --device cpu --quiet", 2, "--class-weights"},
    {"train moons --optimizer gd --batch 8 --device cpu --quiet", 2, "gd sgd"},
    {"train moons --split x", 2, "--split x"},
    {"train moons --split 1", 2, "--split"},
    {"train moons --split -0.1", 2, "--split"},
    {"train moons --split 0.00001", 2, "rows"},
    {"train moons --threads x", 2, "--threads"},
    {"train moons --threads -1", 2, "--threads"},
    {"train moons --threads 100000 --device cpu", 2, "threads"},
    {"train moons --rows -5", 2, "--rows"},
    {"train moons --rows many", 2, "--rows"},
    {"train moons circles", 2, "circles"},
    {"train", 2, "missing --help"},
    {"evaluate a.safetensors", 2, "missing"},
    {"predict a.safetensors b c", 1, "a.safetensors"},
    {"show", 2, "missing"},
    {"devices all", 2, "'all'"},
    {"doctor all", 2, "'all'"},
    {"make", 2, "missing"},
    {"make mons", 2, "\"mons\" \"moons\""},
    {"make nothing", 2, "linear classification"},
    {"make moons --rows -1", 2, "--rows"},
    {"make moons --noise loud", 2, "--noise"},
    {"train moons --noise nan", 2, "--noise"},
    {"train moons --noise -3", 2, "--noise"},
    {"train moons --split nan", 2, "--split"},
    {"train moons --split 1", 2, "--split"},
    {"train moons --split -1", 2, "--split"},
    {"train ''", 1, "lockstep"},
};

/* Arguments that a command would not use. */
static const program_mistake unused[] = {
    {"plot loss m.st nofile.csv -o a.svg", 2, "loss nofile.csv"},
    {"plot loss m.st flowers.csv -o a.svg", 2, "loss flowers.csv"},
    {"plot loss m.st -o a.svg --target 1", 2, "--target DATA"},
    {"report m.st -o a.html --separator comma", 2, "--separator DATA"},
    {"report m.st -o a.html --rows 4", 2, "--rows DATA"},
    {"report m.st -o a.html --split test", 2, "--split data"},
    {"verify m.st m.st --device cpu", 2, "--device"},
    {"verify m.st m.st --threads 2", 2, "--threads"},
    {"evaluate m.st flowers.csv --noise 1", 2, "--noise flowers.csv"},
    {"evaluate m.st flowers.csv --weight width", 2, "--weight"},
    {"train moons --target x1", 2, "--target moons"},
    {"train flowers.csv --data-seed 3", 2, "--data-seed flowers.csv"},
    {"search moons --folds 3 --holdout 0.3", 2, "--holdout --folds"},
    {"search moons --eta 4", 2, "--eta halving"},
    {"search moons --restart", 2, "--restart --state"},
    {"verify m.st m.st --no-report", 2, "--no-report"},
    {"describe flowers.csv --rows 3", 2, "--rows flowers.csv"},
};

/* Other libraries' words, in any spelling, and what they are called here. */
static const program_mistake neighbours[] = {
    {"train moons --learning-rate 1", 2, "--learning-rate --lr?"},
    {"train moons --learning_rate_init=1", 2, "--lr?"},
    {"train moons -lr 1", 2, "--lr?"},
    {"search moons --batch_size 8", 2, "--batch?"},
    {"train moons --early-stopping", 2, "--patience?"},
    {"compare moons --random-state 8", 2, "--seed?"},
    {"train moons --n-epochs 8", 2, "--epochs?"},
    {"train moons --num_epochs 8", 2, "--epochs?"},
    {"train moons --max-iter 8", 2, "--epochs?"},
    {"train moons --hidden-layer-sizes 8", 2, "--hidden?"},
    {"train moons --alpha 1", 2, "--l2?"},
    {"train moons --solver adam", 2, "--optimizer?"},
    {"train moons --Weight_Decay 1", 2, "--weight-decay?"},
    {"search moons --cv 5", 2, "--folds?"},
    {"search moons --n-iter 5", 2, "--trials?"},
    {"train moons --cv 5", 2, "search --folds"},
    {"predict a b --n-jobs 2", 2, "--threads?"},
    {"predict a b --output c.csv", 2, "-o?"},
    {"train moons --output m.st", 2, "--output -o m.st"},
    {"search moons --output=models/m", 2, "-o models/m"},
    {"train moons --activation swish", 2, "'silu'"},
    {"train moons --activation relu,Logistic", 2, "'sigmoid'"},
    {"train moons --activation linear", 2, "'identity'"},
    {"train moons --output linear", 2, "'identity'"},
    {"train moons --loss binary_crossentropy", 2, "'bce'"},
    {"train moons --optimizer nag", 2, "'nesterov'"},
    {"train moons --net linear", 2, "'dense'"},
    {"search moons --metric neg_log_loss", 2, "'log_loss'"},
    {"plot confusion_matrix m -o p.svg", 2, "'confusion'"},
    {"make make_moons", 2, "\"moons\""},
    {"fit moons", 2, "'fit' 'train'"},
    {"test m d", 2, "'evaluate'"},
    {"score m d", 2, "'evaluate'"},
    {"export m", 2, "safetensors 'show'"},
    {"infer m d", 2, "'predict'"},
    {"inference m d", 2, "'predict'"},
    {"benchmark d", 2, "'compare'"},
    {"info m", 2, "'show'"},
    {"cv d", 2, "'search' --folds"},
    {"cross_validate d", 2, "'search'"},
};

Test(mistakes, words_of_others_get_a_hint)
{
    program_check_mistakes(neighbours, RUNS_COUNT(neighbours));
}

Test(mistakes, wrong_usage_is_answered_with_one_line_and_status_2)
{
    program_check_mistakes(usage, RUNS_COUNT(usage));
}

static const char flowers[] =
    "width,height,kind\n1,2,rose\n1.5,2.5,rose\n2,1,tulip\n3,1,tulip\n2.5,0.5,tulip\n1,3,rose\n"
    "4,0,lily\n5,0,lily\n4.5,0.5,lily\n";

static const program_mistake failures[] = {
    {"train missing.csv", 1, "missing.csv"},
    {"train moonz", 1, "moonz 'moons'"},
    {"train empty.csv --device cpu", 1, "empty.csv"},
    {"train header.csv --device cpu", 1, "header.csv"},
    {"train word.csv --device cpu", 1, "word.csv line 3 column 1"},
    {"train ragged.csv --device cpu", 1, "ragged.csv line 3"},
    {"train one.csv --device cpu --quiet", 1, "class"},
    {"train . --device cpu", 1, "."},
    {"train flowers.csv --target colour", 2, "colour flowers.csv"},
    {"train flowers.csv --target 7", 2, "7 flowers.csv"},
    {"train flowers.csv --test missing.csv", 1, "missing.csv"},
    {"train flowers.csv --test wide.csv --device cpu", 1, "wide.csv"},
    {"train moons --device nonsense", 1, "nonsense devices"},
    {"train moons --device 99", 1, "99 devices"},
    {"train moons -o missing/model.safetensors --device cpu --epochs 2 --quiet", 1,
     "missing/model.safetensors"},
    {"train moons --device cpu --quiet --output identity --lr 1000 --optimizer sgd", 1,
     "diverged step layer --lr"},
    {"show missing.safetensors", 1, "missing.safetensors"},
    {"show flowers.csv", 1, "flowers.csv"},
    {"evaluate missing.safetensors flowers.csv", 1, "missing.safetensors"},
    {"predict flowers.csv flowers.csv", 1, "flowers.csv"},
    {"make moons -o missing/moons.csv", 1, "missing/moons.csv"},
};

Test(mistakes, failures_are_answered_with_one_line)
{
    make_csv("empty.csv", "");
    make_csv("header.csv", "a,b,class\n");
    make_csv("word.csv", "a,b,c\n1,2,x\n3,q,y\n");
    make_csv("ragged.csv", "a,b,c\n1,2,x\n3,4,5,y\n");
    make_csv("one.csv", "a,b,c\n1,2,x\n");
    make_csv("wide.csv", "a,b,c,kind\n1,2,3,rose\n");
    make_csv("flowers.csv", flowers);
    program_check_mistakes(failures, RUNS_COUNT(failures));
}

Test(mistakes, unused_arguments_are_refused)
{
    make_csv("flowers.csv", flowers);
    program_do("train flowers.csv -o m.st --epochs 2 --device cpu -q");
    program_check_mistakes(unused, RUNS_COUNT(unused));
}

#else
Test(mistakes, skipped) { cr_skip_test("the program was not built"); }
#endif
